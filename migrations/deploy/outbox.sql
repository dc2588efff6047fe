-- The outbox with the delivery of its mails, and the positions of its events.
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
  'Mails to send and events, written in the transaction that causes them.';
comment on column accounts.outbox.account_user_key is
  'For events of a membership, which may never have had an invitation; else null.';
comment on column accounts.outbox.delivery is 'The status of the delivery; null for an event that is not a mail.';
comment on column accounts.outbox.attempts is
  'The number of claims. Only the attempt with this number may complete the delivery.';
comment on column accounts.outbox.unresolved_attempts is
  'Attempts whose outcome is unknown: any of them may have sent the mail.';
comment on column accounts.outbox.uncounted_attempts is
  'Attempts that do not count against mail.attempts: released ones, and those before api.retry_delivery.';
comment on column accounts.outbox.due_at is 'When it may be claimed. A claim sets this to the end of its lease.';
comment on column accounts.outbox.claimed_at is
  'When the current attempt was claimed; null once its outcome is recorded.';
comment on column accounts.outbox.reason is 'Why the last attempt did not send it.';

create index outbox_invitation_key_idx on accounts.outbox (invitation_key);
create index outbox_account_user_key_idx on accounts.outbox (account_user_key) where account_user_key is not null;
create index outbox_due_at_idx on accounts.outbox (due_at, key) where delivery = 'Queued';

-- At most one notice of a kind for each invitation.
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
  'Notices about invitations that expire or are about to. No row: switched off. Set by api.configure.';
comment on column accounts.expiry_notice.lead is 'How long before the expiry the notice is due.';
comment on column accounts.expiry_notice.noticed_until is
  'Invitations that expire up to this time have been processed.';

-- Separate from the outbox, so that numbering events and delivering mails do not wait for each other.
create table accounts.event (
  position bigint not null,
  outbox_key bigint not null,
  constraint event_pkey primary key (position),
  constraint event_outbox_key_key unique (outbox_key),
  constraint event_outbox_key_fkey foreign key (outbox_key) references accounts.outbox,
  constraint event_position_positive check (position > 0)
);

comment on table accounts.event is
  'The positions of events: 1, 2, 3, ... in the order in which they became visible. See api.number_events.';

create table accounts.event_horizon (
  only_row boolean primary key default true,
  settled_key bigint not null default 0,
  seen_key bigint not null default 0,
  seen_before xid8 not null default '0',
  constraint event_horizon_only_row check (only_row),
  constraint event_horizon_keys_range check (settled_key between 0 and seen_key)
);

comment on table accounts.event_horizon is 'How far the outbox has been searched for events without a position.';
comment on column accounts.event_horizon.settled_key is
  'Every row up to this key has a position, and no new row can appear below it.';
comment on column accounts.event_horizon.seen_key is
  'Every row up to this key had a position, except those of transactions that were still running.';
comment on column accounts.event_horizon.seen_before is
  'Those transactions have lower ids than this. Once they have ended, seen_key is settled.';

insert into accounts.event_horizon default values;

commit;
