create or replace function api.accept_account_user_invite(
  account_user_id text, request jsonb, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  return internal.answer(internal.perform(jsonb_build_object(
    'operation', 'accept_invite', 'kind', 'account_user', 'accountUser', account_user_id,
    'request', request, 'traceparent', traceparent)));
end
$$;

comment on function api.accept_account_user_invite(text, jsonb, text) is
'Accepts an invitation: POST /account-users/{id}/accept-invite.
request: {"code": "..."}; the code alone authorises. HINT names what is wrong with a code.
Raises PT400, PT409.';

grant execute on function api.accept_account_user_invite(text, jsonb, text) to accountsd_server, accountsd_dba;
