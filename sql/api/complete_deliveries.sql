create or replace function api.complete_deliveries(results jsonb)
returns table (id bigint, status text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_result record;
  v_entry accounts.outbox;
begin
  perform internal.require_shape(results, 'array:delivery_result');
  for v_result in
    select r.id, r.attempt, r.outcome, r.reason
    from jsonb_to_recordset(results) as r (id bigint, attempt bigint, outcome text, reason text)
    order by r.id
  loop
    select * into v_entry from accounts.outbox as o where o.key = v_result.id for no key update;
    -- Ignored if the mail is finished or claimed by a later attempt. Sent is recorded even then, since it is a fact.
    continue when v_entry.delivery is null or v_entry.delivery = 'Sent' or v_result.attempt > v_entry.attempts
      or v_result.outcome <> 'Sent' and (
        v_entry.delivery <> 'Queued' or v_entry.claimed_at is null or v_entry.attempts <> v_result.attempt);

    if v_result.outcome = 'Sent' then
      perform internal.finish_delivery(v_entry.key, 'Sent', null, false);
    elsif v_result.outcome = 'Refused'
      or v_result.outcome in ('Failed', 'Unknown') and internal.has_no_attempt_left(v_entry) then
      perform internal.finish_delivery(v_entry.key, 'GivenUp', v_result.reason, v_result.outcome = 'Unknown');
    elsif v_result.outcome in ('Failed', 'Unknown') then
      update accounts.outbox as o
      set claimed_at = null,
          unresolved_attempts = o.unresolved_attempts + (v_result.outcome = 'Unknown')::int,
          due_at = statement_timestamp() + internal.retry_delay(v_entry.attempts - v_entry.uncounted_attempts),
          reason = v_result.reason
      where o.key = v_entry.key;
    else
      update accounts.outbox as o
      set claimed_at = null, due_at = statement_timestamp(), uncounted_attempts = o.uncounted_attempts + 1
      where o.key = v_entry.key;
    end if;
    return query select o.key, o.delivery::text from accounts.outbox as o where o.key = v_entry.key;
  end loop;
end
$$;

comment on function api.complete_deliveries(jsonb) is
'Records the outcomes of claimed mails: [{"id": 17, "attempt": 1, "outcome": "Sent", "reason": null}, ...].
outcome: Sent; Failed, to be retried after a delay unless that was the last attempt; Unknown, the same, but the mail may
have been sent; Refused, never to be retried; Released, not attempted and due at once. Returns a row for each mail that
this attempt could still complete, with its new status: Sent, Queued or GivenUp. Raises PT400.';

grant execute on function api.complete_deliveries(jsonb) to accountsd_delivery, accountsd_dba;
