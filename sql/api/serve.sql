create or replace function api.serve(requests jsonb)
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_requests constant internal.request[] := internal.read_requests(requests);
  c_is_set constant boolean := cardinality(c_requests) > 1;
begin
  if c_is_set then
    perform internal.lock_people(c_requests);
  end if;
  -- In the common lock order of memberships, not in order of arrival.
  return query
  select r.position, v.status, v.id, v.body, v.detail, v.errors, v.type, v.is_replay,
    v.is_rolled_back
  from (
    select s.position, c_requests[s.position] as request
    from generate_subscripts(c_requests, 1) as s (position)
    order by case when c_is_set then internal.lock_order(c_requests[s.position]) end, s.position
    offset 0
  ) as r
  cross join lateral internal.serve(r.request) as v
  order by r.position;
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
