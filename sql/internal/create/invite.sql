-- internal.create_account_users for a set that contains dry runs or idempotency keys. Dry runs come first, one by
-- one, before any membership is locked; the locks of each are released when it is rolled back. The other requests
-- continue as one set.
create or replace function internal.invite(requests internal.request[])
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql
as $$
#variable_conflict use_column
declare
  c_rehearsed constant int[] := array(
    select r.ordinality::int from unnest(requests) with ordinality as r where r.is_dry_run order by r.ordinality);
  c_others constant int[] := array(
    select r.ordinality::int from unnest(requests) with ordinality as r where not r.is_dry_run order by r.ordinality);
begin
  return query
  select r.ordinal, o.status, o.id, o.body, o.detail, o.errors, o.type, o.is_replay, o.is_rolled_back
  from unnest(c_rehearsed) as r (ordinal)
  cross join lateral internal.rehearse(requests[r.ordinal]) as o;

  if cardinality(c_others) > 0 then
    return query
    select c_others[i.ordinal], i.status, i.id, i.body, i.detail, i.errors, i.type, i.is_replay, false
    from internal.invite_once(array(
      select requests[o.ordinal] from unnest(c_others) with ordinality as o (ordinal, position)
      order by o.position)) as i;
  end if;
end
$$;

-- Whether a set contains dry runs or idempotency keys.
create or replace function internal.has_conditions(requests internal.request[])
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  v_request internal.request;
begin
  foreach v_request in array requests loop
    if v_request.idempotency_key is not null or v_request.is_dry_run then
      return true;
    end if;
  end loop;
  return false;
end
$$;
