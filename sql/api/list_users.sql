create or replace function api.list_users(
  account_id text, query text default '', token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'list', 'user', account_id => account_id, query => query, token => token, traceparent => traceparent)));
end
$$;

comment on function api.list_users(text, text, text, text) is
'The people of one account: GET /accounts/{accountId}/users.
query: as in api.list_account_users, with the fields of a person (email, name, ...) instead of user.
token, traceparent: as in api.create_account_user. Raises PT400, PT401, PT403, PT404.';

grant execute on function api.list_users(text, text, text, text) to accountsd_server, accountsd_dba;
