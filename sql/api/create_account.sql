create or replace function api.create_account(request jsonb)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_account accounts.account;
begin
  perform internal.require_shape(request, 'create_account');
  insert into accounts.account (type, status, name, icon, created_by)
  values (
    (request ->> 'type')::accounts.account_type,
    coalesce(request ->> 'status', 'Active')::accounts.account_status,
    internal.trim_text(request ->> 'name'),
    request ->> 'icon',
    c_actor)
  returning * into v_account;

  perform internal.record_audit('account.created', c_actor, internal.account_id(v_account.key), v_account.key);
  return json_build_object(
    'id', internal.account_id(v_account.key), 'icon', v_account.icon, 'type', v_account.type,
    'status', v_account.status, 'name', v_account.name);
end
$$;

comment on function api.create_account(jsonb) is
'Creates an account. request: {"type": "Client" | "Vendor" | "Operations", "name", "status", "icon"}.
Raises PT400, PT401.';

grant execute on function api.create_account(jsonb) to accountsd_dba;
