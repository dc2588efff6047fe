create or replace function api.claim_deliveries(max_count int, lease interval)
returns table (id bigint, attempt int, is_repeat boolean, message json)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Bounds the time for cancelling mails that must no longer be sent.
  c_patience constant interval := interval '2 seconds';
  v_due record;
  v_claimed int := 0;
  v_is_done boolean;
begin
  if (max_count between 1 and 1000) is not true or (lease between interval '1 second' and interval '1 day') is not true
  then
    perform internal.raise_problem(400, 'max_count is not 1 to 1000, or lease not 1 second to 1 day.');
  end if;
  loop
    v_is_done := true;
    -- A transaction that is changing an invitation decides about its mail, so locked rows are skipped.
    for v_due in
      select o as entry, i as invitation
      from accounts.outbox as o
      join accounts.invitation as i on i.key = o.invitation_key
      where o.delivery = 'Queued' and o.due_at <= statement_timestamp()
      order by o.due_at, o.key
      limit max_count - v_claimed
      for no key update skip locked
    loop
      v_is_done := false;
      message := internal.claim_delivery(v_due.entry, v_due.invitation, lease);
      if message is not null then
        id := (v_due.entry).key;
        attempt := (v_due.entry).attempts + 1;
        is_repeat := (v_due.entry).unresolved_attempts > 0 or (v_due.entry).claimed_at is not null;
        return next;
        v_claimed := v_claimed + 1;
      end if;
    end loop;
    exit when v_is_done or v_claimed = max_count or clock_timestamp() > statement_timestamp() + c_patience;
  end loop;
end
$$;

comment on function api.claim_deliveries(int, interval) is
'Claims due mails of the outbox, at most max_count, for the length of the lease. Other calls do not get them until the
lease ends without api.complete_deliveries; then they may be claimed again. attempt: the number of claims of the mail.
is_repeat: the outcome of an earlier attempt is unknown, so the mail may have been sent already. message: everything
that the mail contains, with a link whose code no table stores. A mail that must no longer be sent is cancelled.
Raises PT400.';

grant execute on function api.claim_deliveries(int, interval) to accountsd_delivery, accountsd_dba;
