-- Wakes the listeners of the outbox (LISTEN accountsd_outbox) when this transaction commits.
--
-- A transaction that notifies holds a database-wide lock while it commits, so if all did, they would commit one after
-- the other, at half the throughput. Therefore only the first transaction in each 50 ms notifies. The notification
-- may arrive before other transactions of that interval commit, or be lost in a rollback; a listener must look again
-- a little later, and poll from time to time.
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
