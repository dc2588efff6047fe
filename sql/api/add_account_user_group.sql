create or replace function api.add_account_user_group(
  account_user_id text, request jsonb, token text default null, traceparent text default null,
  idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'add_group', 'account_user', account_user_id => account_user_id, body => request, token => token,
    traceparent => traceparent, idempotency_key => idempotency_key)));
end
$$;

comment on function api.add_account_user_group(text, jsonb, text, text, text) is
'Adds one group: POST /account-users/{id}/groups.
request: {"id": "UGR-..."}.
token, traceparent, idempotency_key: as in api.create_account_user. Raises PT400, PT401, PT403, PT404, PT409, PT422.';

grant execute on function api.add_account_user_group(text, jsonb, text, text, text) to accountsd_server, accountsd_dba;
