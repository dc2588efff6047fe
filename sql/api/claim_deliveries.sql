create or replace function api.claim_deliveries(max_count int, lease interval)
returns table (id bigint, attempt int, is_repeat boolean, message json)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  -- What is not to be sent any more is passed over, but not without end.
  c_max_looked_at constant int := 1000;
  v_entry accounts.outbox;
  v_claimed int := 0;
begin
  if (max_count between 1 and 1000) is not true or (lease between interval '1 second' and interval '1 day') is not true
  then
    perform internal.raise_problem(400, 'max_count is not 1 to 1000, or lease not 1 second to 1 day.');
  end if;
  for v_entry in
    select o.*
    from accounts.outbox as o
    where o.delivery = 'Queued' and o.due_at <= statement_timestamp()
    order by o.due_at, o.key
    limit c_max_looked_at
    for update skip locked
  loop
    message := internal.claim_delivery(v_entry, lease);
    if message is not null then
      id := v_entry.key;
      attempt := v_entry.attempts + 1;
      is_repeat := v_entry.claimed_at is not null;
      return next;
      v_claimed := v_claimed + 1;
    end if;
    exit when v_claimed = max_count;
  end loop;
end
$$;

comment on function api.claim_deliveries(int, interval) is
'Takes mails that are due from the outbox, at most max_count, for the length of the lease; whoever asks meanwhile does
not get them, and when it is over without a word of api.complete_deliveries, the next one does. attempt counts the
claims of a mail; is_repeat: the one before ended without a word, so the mail may have been sent already. message: all
that the mail says, with a link that holds a code of its own, which is kept nowhere else. What is no longer to be sent
is cancelled. Raises PT400.';

grant execute on function api.claim_deliveries(int, interval) to accountsd_delivery, accountsd_dba;
