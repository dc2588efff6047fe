-- Gives a position to events that have none, at most max_count, and returns once they have one. In the order of their
-- keys as far as they can be seen now: one that commits later comes later, so a reader that has gone past a position
-- misses nothing. One at a time, to the end of the caller's transaction; who writes events does not wait for it. But
-- who delivers mails does, for the rows that are numbered here: a transaction that then sits idle is ended.
create or replace function internal.number_events(max_count int)
returns void
language plpgsql
as $$
begin
  perform pg_advisory_xact_lock(hashtext('accountsd events'));
  perform set_config('idle_in_transaction_session_timeout', '5s', true);
  -- A statement of its own, which sees what the one before us has numbered.
  with unnumbered as materialized (
    select o.key, row_number() over (order by o.key) as n
    from accounts.outbox as o
    where o.position is null
    order by o.key
    limit max_count
  ),
  last as materialized (
    select coalesce(max(o.position), 0) as position from accounts.outbox as o where o.position is not null
  )
  update accounts.outbox as o
  set position = l.position + u.n
  from unnumbered as u, last as l
  where o.key = u.key;
end
$$;
