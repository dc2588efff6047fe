create or replace function api.create_account_user(
  request jsonb, token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_verdict record;
begin
  select * into strict v_verdict
  from internal.create_account_users(
    jsonb_build_array(jsonb_build_object('request', request, 'token', token, 'traceparent', traceparent)),
    internal.caller_actor());
  if v_verdict.status <> 201 then
    perform internal.raise_problem(v_verdict.status, v_verdict.detail, v_verdict.errors);
  end if;
  return v_verdict.body;
end
$$;

comment on function api.create_account_user(jsonb, text, text) is
'Invites a person into an account: POST /public/v1/accounts/account-users.
request: {"user": {"email", "firstName", "lastName", "phone": {"prefix", "number"}, "settings": {"cultureCode",
"languageCode"}}, "account": {"id"}, "groups": [{"id"}], "invitation": {"status"}}.
token: "<token id>:<hex SHA-256 of its secret>"; without one the caller acts as its database role.
traceparent: W3C trace context, for the audit record.
Returns the account user. Raises PT400 (DETAIL: {"field path": ["message"]}), PT401, PT403, PT409.';

grant execute on function api.create_account_user(jsonb, text, text) to accountsd_server, accountsd_dba;
