create or replace function api.accept_account_user_invite(
  account_user_id text, request jsonb, traceparent text default null, idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer(internal.serve(jsonb_build_object(
    'operation', 'accept_invite', 'kind', 'account_user', 'accountUser', account_user_id,
    'request', request, 'traceparent', traceparent,
    'idempotencyKey', idempotency_key)));
end
$$;

comment on function api.accept_account_user_invite(text, jsonb, text, text) is
'Accepts an invitation: POST /account-users/{id}/accept-invite.
request: {"code": "..."}; the code alone authorises. HINT names what is wrong with a code.
idempotency_key: as in api.create_account_user, by membership. Raises PT400, PT409, PT422.';

grant execute on function api.accept_account_user_invite(text, jsonb, text, text) to accountsd_server, accountsd_dba;
