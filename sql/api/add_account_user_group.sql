create or replace function api.add_account_user_group(
  account_user_id text, request jsonb, token text default null, traceparent text default null,
  idempotency_key text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer(internal.serve(jsonb_build_object(
    'operation', 'add_group', 'kind', 'account_user', 'accountUser', account_user_id,
    'request', request, 'token', token, 'traceparent', traceparent,
    'idempotencyKey', idempotency_key)));
end
$$;

comment on function api.add_account_user_group(text, jsonb, text, text, text) is
'Adds one group: POST /account-users/{id}/groups.
request: {"id": "UGR-..."}.
token, traceparent, idempotency_key: as in api.create_account_user. Raises PT400, PT401, PT403, PT404, PT409, PT422.';

grant execute on function api.add_account_user_group(text, jsonb, text, text, text) to accountsd_server, accountsd_dba;
