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
  -- Memberships in the order in which all transactions lock them, not in that of arrival.
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
'What accountsd calls for every operation but create: a set of requests, each an operation with its path, query, body
and token, each with a verdict of its own. The functions named after the operations do the same and raise where this
returns a status. An error raised by Postgres itself undoes the whole set.
"idempotencyKey": as in api.create_account_user; with "codeSeed", a secret of the caller that decides about the code of
an invitation in its place. "rollback": true for a dry run, of which nothing is kept. is_replay: the answer is that of
an earlier request with the same key. is_rolled_back: it is that of a dry run.';

grant execute on function api.serve(jsonb) to accountsd_server, accountsd_dba;
