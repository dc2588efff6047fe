create or replace function api.replace_user_groups(
  account_id text, user_id text, request jsonb, token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'replace_groups', 'user', account_id => account_id, user_id => user_id, body => request, token => token,
    traceparent => traceparent)));
end
$$;

comment on function api.replace_user_groups(text, text, jsonb, text, text) is
'Replaces the groups: PUT /accounts/{accountId}/users/{userId}/groups.
request: [{"id": "UGR-..."}, ...], at least one.
token, traceparent: as in api.create_account_user. Raises PT400, PT401, PT403, PT404.';

grant execute on function api.replace_user_groups(text, text, jsonb, text, text) to accountsd_server, accountsd_dba;
