-- Wakes who listens to the outbox (LISTEN accountsd_outbox), once this transaction commits.
--
-- A transaction that notifies holds a lock of the whole database while it commits, so that all that notify would commit
-- one after the other, at half the speed. Therefore only the first of each twentieth of a second does. It may do so a
-- moment before others of that time are there to be seen, or roll back: who listens must look again a little later, and
-- now and then.
create or replace function internal.notify_listeners()
returns void
language plpgsql
as $$
begin
  if pg_try_advisory_xact_lock(
    hashtext('accountsd outbox'), (extract(epoch from clock_timestamp()) * 20)::bigint::bit(31)::int) then
    notify accountsd_outbox;
  end if;
end
$$;
