create or replace function api.serve(requests jsonb)
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_requests constant internal.request[] := internal.read_requests(requests);
  v_request internal.request;
  v_changes int := 0;
  v_account_users int := 0;
  v_users int := 0;
begin
  foreach v_request in array c_requests loop
    if v_request.operation not in ('get', 'get_invitation') then
      v_changes := v_changes + 1;
    elsif internal.is_plain_get(v_request, 'account_user') then
      v_account_users := v_account_users + 1;
    elsif internal.is_plain_get(v_request, 'user') then
      v_users := v_users + 1;
    end if;
  end loop;
  if v_changes > 0 or v_account_users + v_users < cardinality(c_requests) then
    return query
    select s.position, s.status, s.id, s.body, s.detail, s.errors, s.type, s.is_replay, s.is_rolled_back
    from internal.serve_in_order(c_requests, v_changes > 0) as s;
  end if;
  if v_changes = 0 and v_account_users > 0 then
    return query
    select g.position, g.status, null::text, g.body, g.detail, null::jsonb, null::text, false, false
    from internal.get_account_users(c_requests) as g;
  end if;
  if v_changes = 0 and v_users > 0 then
    return query
    select g.position, g.status, null::text, g.body, g.detail, null::jsonb, null::text, false, false
    from internal.get_users(c_requests) as g;
  end if;
end
$$;

comment on function api.serve(jsonb) is
'Performs a set of requests of any operations but create; called by accountsd. Each request is an operation with its
path, query, body and token, and has its own outcome. The functions named after the operations do the same, and raise an
error where this returns a status. An error of PostgreSQL itself rolls back the whole set.
"idempotencyKey": as in api.create_account_user. "codeSeed": a secret of the caller from which, with an idempotency key,
the code of an invitation is derived. "rollback": true for a dry run, which is rolled back. is_replay: the response is
that of an earlier request with the same key. is_rolled_back: the request was a dry run.';

grant execute on function api.serve(jsonb) to accountsd_server, accountsd_dba;
