create or replace function api.disable_api_token(id text)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_token accounts.api_token;
begin
  update accounts.api_token as t
  set status = 'Disabled', disabled_at = now()
  where t.key = internal.api_token_key(disable_api_token.id) and t.status = 'Active'
  returning * into v_token;
  if found then
    perform internal.record_audit(
      'api_token.disabled', c_actor, internal.api_token_id(v_token.key), v_token.account_key);
  else
    select * into v_token from accounts.api_token as t where t.key = internal.api_token_key(disable_api_token.id);
    if not found then
      perform internal.raise_problem(404, 'There is no such API token.');
    end if;
  end if;

  return json_build_object(
    'id', internal.api_token_id(v_token.key), 'name', v_token.name, 'icon', v_token.icon, 'status', v_token.status);
end
$$;

comment on function api.disable_api_token(text) is
'Disables an API token from the next request on; a token that is already disabled stays so. Raises PT401, PT404.';

grant execute on function api.disable_api_token(text) to accountsd_dba;
