create or replace function api.send_new_account_user_invite(
  account_user_id text, token text default null, traceparent text default null, idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'send_new_invite', 'account_user', account_user_id => account_user_id, token => token,
    traceparent => traceparent, idempotency_key => idempotency_key)));
end
$$;

comment on function api.send_new_account_user_invite(text, text, text, text) is
'Sends a new invitation if the last one has expired: POST /account-users/{id}/send-new-invite.
token, traceparent, idempotency_key: as in api.create_account_user.
Raises PT400, PT401, PT403, PT404, PT409, PT422, PT429.';

grant execute on function api.send_new_account_user_invite(text, text, text, text) to accountsd_server, accountsd_dba;
