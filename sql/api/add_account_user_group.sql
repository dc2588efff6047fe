create or replace function api.add_account_user_group(
  account_user_id text, request jsonb, token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  return internal.answer(internal.perform(jsonb_build_object(
    'operation', 'add_group', 'kind', 'account_user', 'accountUser', account_user_id,
    'request', request, 'token', token, 'traceparent', traceparent)));
end
$$;

comment on function api.add_account_user_group(text, jsonb, text, text) is
'Adds one group: POST /account-users/{id}/groups.
request: {"id": "UGR-..."}.
token, traceparent: as in api.create_account_user. Raises PT400, PT401, PT403, PT404.';

grant execute on function api.add_account_user_group(text, jsonb, text, text) to accountsd_server, accountsd_dba;
