begin;

select key, topic, invitation_key, account_user_key, created_at, delivery, attempts, unresolved_attempts,
  uncounted_attempts, due_at, claimed_at, finished_at, reason
from accounts.outbox where false;
select kind, lead, noticed_until from accounts.expiry_notice where false;
select position, outbox_key from accounts.event where false;
select settled_key, seen_key, seen_before from accounts.event_horizon where false;

select 1 / (count(*) = 1)::int from accounts.event_horizon;
select 1 / (count(*) = 1)::int from pg_index where indexrelid = 'accounts.outbox_notice_key'::regclass and indisunique;
select 1 / (count(*) = 1)::int from pg_trigger
where tgrelid = 'accounts.account_user'::regclass and tgname = 'account_user_record_status_event';

rollback;
