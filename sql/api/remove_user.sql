create or replace function api.remove_user(
  account_id text, user_id text, token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'remove', 'user', account_id => account_id, user_id => user_id, token => token, traceparent => traceparent)));
end
$$;

comment on function api.remove_user(text, text, text, text) is
'Ends a membership; the person and the history stay: DELETE /accounts/{accountId}/users/{userId}.
token, traceparent: as in api.create_account_user. Raises PT401, PT403, PT404.';

grant execute on function api.remove_user(text, text, text, text) to accountsd_server, accountsd_dba;
