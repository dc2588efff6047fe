create or replace function api.create_account_user(
  request jsonb, token text default null, traceparent text default null, query text default '',
  idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.create_account_user(internal.make_request(
    'create', 'account_user', body => request, query => query, token => token, traceparent => traceparent,
    idempotency_key => idempotency_key));
end
$$;

comment on function api.create_account_user(jsonb, text, text, text, text) is
'Invites a person into an account: POST /public/v1/accounts/account-users.
request: {"user": {"email", "firstName", "lastName", "phone": {"prefix", "number"}, "settings": {"cultureCode",
"languageCode"}}, "account": {"id"}, "groups": [{"id"}], "invitation": {"status"}}.
token: "<token id>:<hex SHA-256 of its secret>"; without one the database role acts.
traceparent: W3C trace context, for the audit record. query: select=..., the members of the response.
idempotency_key: 1 to 255 characters of visible ASCII, preferably a random UUID. If the same caller repeats the request
with the same key within "idempotency.lifetime" (api.configure), it is not performed again and gets the first response.
Returns the account user. Raises PT400 (DETAIL: {"field path": ["message"]}), PT401, PT403, PT409, PT422,
PT429 (over a limit of api.configure; DETAIL: {"Retry-After": ["seconds"]}).';

grant execute on function api.create_account_user(jsonb, text, text, text, text) to accountsd_server, accountsd_dba;
