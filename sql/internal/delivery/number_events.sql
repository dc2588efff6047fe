-- Gives a position to events that have none, at most max_count; returns how many. In the order of their keys as far as
-- they can be seen now: one that commits later comes later, so a reader that has gone past a position misses nothing.
-- One transaction at a time, and the others return at once. What has nothing to do writes nothing.
--
-- A row of the outbox can appear below others for as long as the transaction that took its key is at work. Whoever
-- writes there has a transaction id before it takes a key; so all rows below those seen before this transaction gets an
-- id are of older transactions, and are settled when these have ended and what they have left has a position. Where the
-- caller has an id already nothing is said of what is settled. An id that does not exist yet is of a database that this
-- one was restored from.
create or replace function internal.number_events(max_count int)
returns int
language plpgsql
as $$
declare
  c_has_no_id constant boolean := pg_current_xact_id_if_assigned() is null;
  c_seen_key constant bigint := (select max(o.key) from accounts.outbox as o);
  v_horizon accounts.event_horizon;
  v_have_ended boolean;
  v_count int;
begin
  select * into v_horizon from accounts.event_horizon;
  v_have_ended := v_horizon.seen_before <= pg_snapshot_xmin(pg_current_snapshot())
    or v_horizon.seen_before > pg_snapshot_xmax(pg_current_snapshot());
  if not (c_has_no_id and v_have_ended
      and (v_horizon.settled_key < v_horizon.seen_key or v_horizon.seen_key < c_seen_key))
    and not exists (
      select from accounts.outbox as o
      where o.key > v_horizon.settled_key
        and not exists (select from accounts.event as e where e.outbox_key = o.key offset 0)) then
    return 0;
  end if;

  select * into v_horizon from accounts.event_horizon for update skip locked;
  if not found then
    return 0;
  end if;
  -- Statements of their own, which see what the last holder of the lock has done.
  v_have_ended := v_horizon.seen_before <= pg_snapshot_xmin(pg_current_snapshot())
    or v_horizon.seen_before > greatest(pg_current_xact_id(), pg_snapshot_xmax(pg_current_snapshot()));

  with fresh as materialized (
    select o.key, row_number() over (order by o.key) as n
    from accounts.outbox as o
    where o.key > v_horizon.settled_key
      and not exists (select from accounts.event as e where e.outbox_key = o.key offset 0)
    order by o.key
    limit max_count
  ),
  numbered as (
    insert into accounts.event (position, outbox_key)
    select coalesce((select max(e.position) from accounts.event as e), 0) + f.n, f.key
    from fresh as f
  ),
  -- Where there may be more to come, no further than these; else null.
  bound as (
    select max(f.key) as key from fresh as f having count(*) = max_count
  ),
  moved as (
    update accounts.event_horizon as h
    set settled_key = least(v_horizon.seen_key, (select b.key from bound as b)),
        seen_key = least(greatest(v_horizon.seen_key, c_seen_key), (select b.key from bound as b)),
        seen_before = pg_current_xact_id()
    where v_have_ended and c_has_no_id
  )
  select count(*) into v_count from fresh;

  if v_count > 0 then
    notify accountsd_events;
  end if;
  return v_count;
end
$$;
