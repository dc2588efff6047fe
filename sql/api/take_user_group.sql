create or replace function api.take_user_group(
  account_id text, user_id text, group_id text, token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'take_group', 'user', account_id => account_id, user_id => user_id, user_group_id => group_id, token => token,
    traceparent => traceparent)));
end
$$;

comment on function api.take_user_group(text, text, text, text, text) is
'Removes one group, but never the last: DELETE /accounts/{accountId}/users/{userId}/groups/{groupId}.
token, traceparent: as in api.create_account_user. Raises PT400, PT401, PT403, PT404.';

grant execute on function api.take_user_group(text, text, text, text, text) to accountsd_server, accountsd_dba;
