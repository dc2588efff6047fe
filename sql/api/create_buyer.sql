create or replace function api.create_buyer(request jsonb)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_buyer accounts.buyer;
begin
  perform internal.require_shape(request, 'create_buyer');
  insert into accounts.buyer (account_key, name, icon, created_by)
  values (
    internal.require_account(request),
    internal.trim_text(request ->> 'name'),
    request ->> 'icon',
    c_actor)
  returning * into v_buyer;

  perform internal.record_audit('buyer.created', c_actor, internal.buyer_id(v_buyer.key), v_buyer.account_key);
  return json_build_object('id', internal.buyer_id(v_buyer.key), 'icon', v_buyer.icon, 'name', v_buyer.name);
end
$$;

comment on function api.create_buyer(jsonb) is
'Creates a buyer of an account. request: {"account": {"id"}, "name", "icon"}. Raises PT400, PT401.';

grant execute on function api.create_buyer(jsonb) to accountsd_dba;
