create or replace function api.list_account_users(
  query text default '', token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'list', 'account_user', query => query, token => token, traceparent => traceparent)));
end
$$;

comment on function api.list_account_users(text, text, text) is
'The memberships that the caller may see: GET /account-users.
query: RQL as in a URL, percent-encoded or not: ''ilike(user.name,*ann*)&order=-audit.created.at&limit=20''. Filters are
eq, ne, gt, ge, lt, le, like, ilike (field,value), field=value, field=op=value, in and out (field,(a,b)), and, or, not,
any and all (groups,filter); values bare or quoted, null(), empty(). select=+a,-b.c; order=+a,-b; limit=0..1000; offset.
token, traceparent: as in api.create_account_user.
Returns {"$meta": {"pagination": {"offset", "limit", "total"}, "omitted"}, "data"}. Raises PT400, PT401, PT403.';

grant execute on function api.list_account_users(text, text, text) to accountsd_server, accountsd_dba;
