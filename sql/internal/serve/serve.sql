-- Performs one request of any operation but create.
create or replace function internal.serve(request internal.request)
returns internal.outcome
language plpgsql
as $$
begin
  return case when request.is_dry_run then internal.rehearse(request) else internal.serve_once(request) end;
end
$$;

-- Performs the requests of a set one after the other, in the common lock order of memberships, not in order of arrival.
-- with_plain_gets: also those that internal.get_account_users and internal.get_users can answer.
create or replace function internal.serve_in_order(requests internal.request[], with_plain_gets boolean)
returns table (
  "position" int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql
as $$
declare
  c_is_set constant boolean := cardinality(requests) > 1;
begin
  if c_is_set then
    perform internal.lock_people(requests);
  end if;
  return query
  select r.position, v.status, v.id, v.body, v.detail, v.errors, v.type, v.is_replay, v.is_rolled_back
  from (
    select s.position, requests[s.position] as request
    from generate_subscripts(requests, 1) as s (position)
    where with_plain_gets or not internal.is_plain_get(requests[s.position], (requests[s.position]).kind)
    order by case when c_is_set then internal.lock_order(requests[s.position]) end, s.position
    offset 0
  ) as r
  cross join lateral internal.serve(r.request) as v
  order by r.position;
end
$$;
