-- The outbox is delivered, and read: a mail's row says what has become of it, and every row where it stands among the
-- events. In steps, so that a loaded database goes on working, and each step can be run again after one that failed.
set client_min_messages = warning;

begin;

set local lock_timeout = '10s';

-- As in roles.sql: another database or deployment may have made them.
do $$
declare
  v_role record;
begin
  for v_role in
    select * from (values
      ('accountsd_delivery', 'login', 'accountsd deliver connects as this role: it takes mails from the outbox'),
      ('accountsd_consumer', 'nologin', 'granted to who reads the events of the outbox')
    ) as r (name, login, purpose)
  loop
    begin
      execute format('create role %I %s', v_role.name, v_role.login);
      execute format('comment on role %I is %L', v_role.name, v_role.purpose);
    exception
      when duplicate_object or unique_violation then
        raise debug 'role % exists', v_role.name;
    end;
  end loop;

  -- What is set already, by this migration or by somebody, stays.
  for v_role in
    select * from (values
      ('statement_timeout', '8s'),
      ('lock_timeout', '2s'),
      ('idle_in_transaction_session_timeout', '10s'),
      ('client_connection_check_interval', '1s')
    ) as s (name, value)
    where not exists (
      select
      from pg_db_role_setting as r
      cross join lateral unnest(r.setconfig) as known (setting)
      where r.setrole = 'accountsd_delivery'::regrole
        and r.setdatabase = (select d.oid from pg_database as d where d.datname = current_database())
        and known.setting like s.name || '=%')
  loop
    execute format('alter role accountsd_delivery in database %I set %I = %L',
      current_database(), v_role.name, v_role.value);
  end loop;
end
$$;

grant usage on schema api to accountsd_delivery, accountsd_consumer;

set local role accountsd_owner;

do $$
begin
  if to_regtype('accounts.delivery_status') is null then
    create type accounts.delivery_status as enum ('Queued', 'Sent', 'GivenUp', 'Cancelled');
  end if;
end
$$;

-- Constant defaults rewrite nothing. What procedures of before put into the outbox is a mail to send.
alter table accounts.outbox
  add column if not exists delivery accounts.delivery_status default 'Queued',
  add column if not exists attempts int not null default 0,
  add column if not exists unresolved_attempts int not null default 0,
  add column if not exists uncounted_attempts int not null default 0,
  add column if not exists due_at timestamptz not null default now(),
  add column if not exists claimed_at timestamptz,
  add column if not exists finished_at timestamptz,
  add column if not exists reason text,
  add column if not exists position bigint;

comment on column accounts.outbox.delivery is 'What has become of the mail; null for an event that is none.';
comment on column accounts.outbox.attempts is
  'How often it was claimed. Of two that claimed it the one with this number has it.';
comment on column accounts.outbox.unresolved_attempts is
  'Of these, how many ended without a word: the mail may have been sent by any of them.';
comment on column accounts.outbox.uncounted_attempts is
  'Of these, how many were given back without a try, or were before a DBA had it tried again.';
comment on column accounts.outbox.due_at is 'When it may be claimed. A claim moves it to the end of its lease.';
comment on column accounts.outbox.claimed_at is 'Of the attempt that is under way or has ended without a word.';
comment on column accounts.outbox.reason is 'Why it was not sent, the last time.';
comment on column accounts.outbox.position is
  'Its place among the events, 1, 2, 3 in the order in which readers could see them; null until somebody reads.';

alter table accounts.outbox
  drop constraint if exists outbox_topic_known,
  drop constraint if exists outbox_delivery_of_mail,
  drop constraint if exists outbox_finished_at_delivery,
  drop constraint if exists outbox_attempts_range,
  add constraint outbox_topic_known check (topic in (
    'invitation.mail', 'invitation.reminder', 'invitation.expired', 'invitation.undeliverable',
    'account_user.accepted', 'account_user.removed',
    'account_user.group_added', 'account_user.group_taken', 'account_user.groups_replaced')) not valid,
  add constraint outbox_delivery_of_mail
    check ((delivery is not null) = (topic in ('invitation.mail', 'invitation.reminder'))) not valid,
  add constraint outbox_finished_at_delivery
    check ((finished_at is not null) = coalesce(delivery <> 'Queued', false)) not valid,
  add constraint outbox_attempts_range check (
    unresolved_attempts between 0 and attempts and uncounted_attempts between 0 and attempts) not valid;

comment on table accounts.outbox is
  'What others do or hear of once the transaction that wrote the row has committed: mails to send, and events.';

commit;

-- One table at a time: who holds one and waits for the next would stand in the way of creates, which take them in
-- another order.
begin;

set local lock_timeout = '10s';
set local role accountsd_owner;

-- The code of a mail is made when it is sent, so that none ever lies in a table.
alter table accounts.invitation add column if not exists mail_code_sha256s bytea[] not null default '{}';
comment on column accounts.invitation.mail_code_sha256s is
  'SHA-256 of the codes in the mails, one a try to send it. Each is as good as the code of code_sha256.';

commit;

begin;

set local lock_timeout = '10s';
set local role accountsd_owner;

alter table accounts.settings
  add column if not exists mail_attempts int not null default 15,
  add column if not exists mail_retry_interval interval not null default '1 minute',
  add column if not exists mail_retry_interval_max interval not null default '4 hours',
  drop constraint if exists settings_mail_attempts_range,
  drop constraint if exists settings_mail_retry_interval_range,
  add constraint settings_mail_attempts_range check (mail_attempts between 1 and 100),
  add constraint settings_mail_retry_interval_range check (
    mail_retry_interval > interval '0' and mail_retry_interval <= mail_retry_interval_max
    and mail_retry_interval_max <= interval '7 days');

create table if not exists accounts.expiry_notice (
  kind text not null,
  lead interval not null,
  noticed_until timestamptz not null,
  constraint expiry_notice_pkey primary key (kind),
  constraint expiry_notice_kind_known check (kind in ('reminder', 'expired')),
  constraint expiry_notice_lead_range check (
    case kind when 'reminder' then lead between interval '1 minute' and interval '366 days'
      else lead = interval '0' end)
);

comment on table accounts.expiry_notice is
  'What is put into the outbox when an invitation expires, or is about to; what has no row is not. By api.configure.';
comment on column accounts.expiry_notice.lead is 'How long before the expiry.';
comment on column accounts.expiry_notice.noticed_until is 'The expiries up to here have been looked at.';

commit;

alter table accounts.outbox validate constraint outbox_topic_known;
alter table accounts.outbox validate constraint outbox_delivery_of_mail;
alter table accounts.outbox validate constraint outbox_finished_at_delivery;
alter table accounts.outbox validate constraint outbox_attempts_range;

set role accountsd_owner;

drop index concurrently if exists accounts.outbox_due_at_idx;
create index concurrently outbox_due_at_idx on accounts.outbox (due_at, key) where delivery = 'Queued';

drop index concurrently if exists accounts.outbox_without_position_idx;
create index concurrently outbox_without_position_idx on accounts.outbox (key) where position is null;

drop index concurrently if exists accounts.outbox_position_key;
create unique index concurrently outbox_position_key on accounts.outbox (position) where position is not null;

-- One notice an invitation.
drop index concurrently if exists accounts.outbox_notice_key;
create unique index concurrently outbox_notice_key on accounts.outbox (invitation_key, topic)
  where topic in ('invitation.reminder', 'invitation.expired');

drop index concurrently if exists accounts.invitation_expires_at_idx;
create index concurrently invitation_expires_at_idx on accounts.invitation (expires_at) where status = 'Open';

begin;

update accounts.schema_version set version = 11;

commit;
