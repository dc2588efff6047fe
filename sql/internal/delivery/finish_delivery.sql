-- Ends the delivery of a mail as Sent, GivenUp or Cancelled. GivenUp writes an event. is_unresolved: the outcome of
-- the last attempt is unknown.
create or replace function internal.finish_delivery(
  key bigint, outcome accounts.delivery_status, reason text, is_unresolved boolean)
returns void
language plpgsql
as $$
declare
  v_invitation_key bigint;
begin
  update accounts.outbox as o
  set delivery = outcome,
      finished_at = statement_timestamp(),
      claimed_at = null,
      unresolved_attempts = o.unresolved_attempts + is_unresolved::int,
      reason = finish_delivery.reason
  where o.key = finish_delivery.key
  returning o.invitation_key into v_invitation_key;

  if outcome = 'GivenUp' then
    insert into accounts.outbox (topic, invitation_key, delivery)
    values ('invitation.undeliverable', v_invitation_key, null);
    perform internal.notify_listeners();
  end if;
end
$$;

-- The delay before the next attempt: exponential backoff up to a maximum, of which a random half to whole, so that
-- mails that failed together are not retried together. The first attempt is 1.
create or replace function internal.retry_delay(attempt int)
returns interval
language sql volatile
as $$
  select make_interval(secs =>
    least(
      extract(epoch from s.mail_retry_interval)::double precision * power(2, least(attempt - 1, 60)),
      extract(epoch from s.mail_retry_interval_max)::double precision)
    * (0.5 + random() / 2))
  from accounts.settings as s
$$;

create or replace function internal.has_no_attempt_left(entry accounts.outbox)
returns boolean
language sql stable
as $$ select entry.attempts - entry.uncounted_attempts >= s.mail_attempts from accounts.settings as s $$;

-- Why the mail of an invitation must not be sent any more; null if it may be.
create or replace function internal.mail_refusal(invitation accounts.invitation)
returns text
language sql stable
as $$
  select case
    when invitation.status <> 'Open' then 'The invitation is ' || lower(invitation.status::text) || '.'
    when invitation.expires_at <= statement_timestamp() then 'The invitation has expired.'
  end
$$;
