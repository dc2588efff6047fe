-- The outbox, its mails and their delivery, and the order in which its events are read.
begin;

set local role accountsd_owner;

create type accounts.delivery_status as enum ('Queued', 'Sent', 'GivenUp', 'Cancelled');

create table accounts.outbox (
  key bigint generated always as identity primary key,
  topic text collate "C" not null,
  invitation_key bigint,
  account_user_key bigint,
  created_at timestamptz not null default now(),
  delivery accounts.delivery_status default 'Queued',
  attempts int not null default 0,
  unresolved_attempts int not null default 0,
  uncounted_attempts int not null default 0,
  due_at timestamptz not null default now(),
  claimed_at timestamptz,
  finished_at timestamptz,
  reason text,
  constraint outbox_invitation_key_fkey foreign key (invitation_key) references accounts.invitation,
  constraint outbox_account_user_key_fkey foreign key (account_user_key) references accounts.account_user,
  constraint outbox_subject_of_topic check (
    case when topic like 'account\_user.%' then account_user_key is not null and invitation_key is null
      else invitation_key is not null and account_user_key is null end),
  constraint outbox_topic_known check (topic in (
    'invitation.mail', 'invitation.reminder', 'invitation.expired', 'invitation.undeliverable',
    'account_user.accepted', 'account_user.removed',
    'account_user.group_added', 'account_user.group_taken', 'account_user.groups_replaced')),
  constraint outbox_delivery_of_mail
    check ((delivery is not null) = (topic in ('invitation.mail', 'invitation.reminder'))),
  constraint outbox_finished_at_delivery
    check ((finished_at is not null) = coalesce(delivery <> 'Queued', false)),
  constraint outbox_attempts_range check (
    unresolved_attempts between 0 and attempts and uncounted_attempts between 0 and attempts)
);

comment on table accounts.outbox is
  'What others do or read once the transaction that wrote the row has committed: mails to send, and events.';
comment on column accounts.outbox.account_user_key is
  'Of an event of the membership itself, which may never have had an invitation.';
comment on column accounts.outbox.delivery is 'State of the delivery; null for an event that is not a mail.';
comment on column accounts.outbox.attempts is
  'How often it was claimed. Of two that claimed it the one with this number has it.';
comment on column accounts.outbox.unresolved_attempts is
  'Of these, how many ended without a word: the mail may have been sent by any of them.';
comment on column accounts.outbox.uncounted_attempts is
  'Of these, how many were given back without a try, or were before a DBA had it tried again.';
comment on column accounts.outbox.due_at is 'When it may be claimed. A claim moves it to the end of its lease.';
comment on column accounts.outbox.claimed_at is 'Of the attempt that is under way or has ended without a word.';
comment on column accounts.outbox.reason is 'Why it was not sent, the last time.';

create index outbox_invitation_key_idx on accounts.outbox (invitation_key);
create index outbox_account_user_key_idx on accounts.outbox (account_user_key) where account_user_key is not null;
create index outbox_due_at_idx on accounts.outbox (due_at, key) where delivery = 'Queued';

-- One notice for each invitation.
create unique index outbox_notice_key on accounts.outbox (invitation_key, topic)
  where topic in ('invitation.reminder', 'invitation.expired');

-- sql/install.sql replaces the body.
create function internal.record_status_event()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

create trigger account_user_record_status_event
after update of status on accounts.account_user
for each row when (new.status <> 'Invited' and new.status <> old.status)
execute function internal.record_status_event();

create table accounts.expiry_notice (
  kind text collate "C" not null,
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

-- Apart from the outbox, so that numbering events and delivering mails do not wait for each other.
create table accounts.event (
  position bigint not null,
  outbox_key bigint not null,
  constraint event_pkey primary key (position),
  constraint event_outbox_key_key unique (outbox_key),
  constraint event_outbox_key_fkey foreign key (outbox_key) references accounts.outbox,
  constraint event_position_positive check (position > 0)
);

comment on table accounts.event is
  'The positions of events, 1, 2, 3 in the order in which readers could see them; made by api.number_events.';

create table accounts.event_horizon (
  only_row boolean primary key default true,
  settled_key bigint not null default 0,
  seen_key bigint not null default 0,
  seen_before xid8 not null default '0',
  constraint event_horizon_only_row check (only_row),
  constraint event_horizon_keys_range check (settled_key between 0 and seen_key)
);

comment on table accounts.event_horizon is 'How far the outbox has been looked through for events without a place.';
comment on column accounts.event_horizon.settled_key is
  'Up to this key each row has a place, and none can appear any more.';
comment on column accounts.event_horizon.seen_key is
  'Up to this key each row had a place, but for those of transactions that were still at work.';
comment on column accounts.event_horizon.seen_before is
  'They were older than this one: when all that are have ended, seen_key is settled.';

insert into accounts.event_horizon default values;

commit;
