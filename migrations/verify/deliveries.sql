begin;

select delivery, attempts, unresolved_attempts, uncounted_attempts, due_at, claimed_at, finished_at, reason
from accounts.outbox where false;
select mail_code_sha256s from accounts.invitation where false;
select mail_attempts, mail_retry_interval, mail_retry_interval_max from accounts.settings where false;
select kind, lead, noticed_until from accounts.expiry_notice where false;

select 1 / (count(*) = 3)::int from pg_index
where indisvalid and indexrelid in (
  'accounts.outbox_due_at_idx'::regclass,
  'accounts.outbox_notice_key'::regclass,
  'accounts.invitation_expires_at_idx'::regclass);

select 1 / (count(*) = 2)::int from pg_roles where rolname in ('accountsd_delivery', 'accountsd_consumer');
select 1 / (version >= 11)::int from accounts.schema_version;

rollback;
