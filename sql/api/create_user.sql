create or replace function api.create_user(
  account_id text, request jsonb, token text default null, traceparent text default null, query text default '',
  idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.create_account_user(internal.make_request(
    'create', 'user', account_id => account_id, body => request, query => query, token => token,
    traceparent => traceparent, idempotency_key => idempotency_key));
end
$$;

comment on function api.create_user(text, jsonb, text, text, text, text) is
'Invites a person into an account: POST /public/v1/accounts/accounts/{accountId}/users. The same as
api.create_account_user, except that account_id names the account and the response has the shape of a user.
Raises PT400, PT401, PT403, PT404, PT409, PT422, PT429.';

grant execute on function api.create_user(text, jsonb, text, text, text, text) to accountsd_server, accountsd_dba;
