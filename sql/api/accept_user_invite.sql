create or replace function api.accept_user_invite(
  account_id text, user_id text, request jsonb, traceparent text default null, idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'accept_invite', 'user', account_id => account_id, user_id => user_id, body => request,
    traceparent => traceparent, idempotency_key => idempotency_key)));
end
$$;

comment on function api.accept_user_invite(text, text, jsonb, text, text) is
'Accepts an invitation: POST /accounts/{accountId}/users/{userId}/accept-invite.
request: {"code": "..."}; the code alone authorises. If the code cannot be used, HINT says why.
idempotency_key: as in api.create_account_user, by membership. Raises PT400, PT409, PT422.';

grant execute on function api.accept_user_invite(text, text, jsonb, text, text) to accountsd_server, accountsd_dba;
