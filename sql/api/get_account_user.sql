create or replace function api.get_account_user(
  account_user_id text, query text default '', token text default null, traceparent text default null)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_got record;
begin
  if query <> '' then
    return internal.answer_or_raise(internal.serve(internal.make_request(
      'get', 'account_user', account_user_id => account_user_id, query => query, token => token,
      traceparent => traceparent)));
  end if;
  select g.status, g.body, g.detail into v_got from internal.get_account_user(account_user_id, token) as g;
  if v_got.status <> 200 then
    perform internal.raise_problem(v_got.status, v_got.detail);
  end if;
  return v_got.body;
end
$$;

comment on function api.get_account_user(text, text, text, text) is
'One membership: GET /account-users/{id}.
query: select=..., the members of the response.
token, traceparent: as in api.create_account_user. Raises PT400, PT401, PT403, PT404.';

grant execute on function api.get_account_user(text, text, text, text) to accountsd_server, accountsd_dba;
