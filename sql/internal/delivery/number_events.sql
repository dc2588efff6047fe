-- Assigns positions to events that have none, at most max_count; returns how many. Events are numbered in the order
-- of their keys among those visible now. An event that commits later gets a later position, so a reader that has
-- passed a position misses nothing. One transaction numbers at a time, and concurrent calls return at once. If there
-- is nothing to number, nothing is written.
--
-- settled_key spares reading old rows. A row with a lower key can still appear while the transaction that took its
-- key is running. That transaction got its id before it took the key. So all keys up to those seen before this
-- transaction gets an id belong to older transactions; once these have ended and their rows have positions, the keys
-- are settled. If the caller's transaction already has an id, nothing is marked as settled. An id that lies in the
-- future comes from a restored copy of another database.
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
  -- Separate statements, because they see what the last holder of the lock has committed.
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
  -- If max_count was reached, rows may be left beyond this key; else null.
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
