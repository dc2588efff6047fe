-- People, their memberships of accounts, and the invitations that lead to them.
begin;

set local role accountsd_owner;

-- One person has one address in whatever case it is typed, by the ICU root collation, so that it
-- is the same in every database. No more is folded than case: the mail goes to the address that is
-- stored, and a look-alike (dotless i, ß for ss) must not find somebody else's.
create table accounts.person (
  key bigint generated always as identity primary key,
  email text not null,
  email_key text collate "C" not null generated always as (
    normalize(lower(normalize(email, nfc) collate "und-x-icu"), nfc)
  ) stored,
  first_name text not null,
  last_name text not null,
  icon text,
  phone_prefix text,
  phone_number text,
  culture_code text,
  language_code text,
  created_at timestamptz not null default now(),
  constraint person_key_range check (key between 1 and 99999999),
  constraint person_email_key_key unique (email_key),
  constraint person_email_length check (octet_length(email) between 3 and 254),
  constraint person_first_name_length check (char_length(first_name) between 1 and 100),
  constraint person_last_name_length check (char_length(last_name) between 1 and 100),
  constraint person_phone_prefix_shape check (phone_prefix ~ '^\+[0-9]{1,4}$'),
  constraint person_phone_number_shape check (phone_number ~ '^[0-9]{1,15}$'),
  constraint person_culture_code_length check (char_length(culture_code) between 2 and 35),
  constraint person_language_code_length check (char_length(language_code) between 2 and 35)
);

comment on column accounts.person.email is 'As typed. email_key is what must be unique.';

create type accounts.account_user_status as enum ('Invited', 'Active', 'Removed');

create table accounts.account_user (
  key bigint generated always as identity primary key,
  account_key bigint not null,
  person_key bigint not null,
  status accounts.account_user_status not null default 'Invited',
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  updated_at timestamptz not null default now(),
  updated_by jsonb not null,
  invitation_accepted_at timestamptz,
  joined_at timestamptz,
  access_at timestamptz,
  last_login_at timestamptz,
  constraint account_user_key_range check (key between 1 and 999999999999),
  constraint account_user_account_key_person_key_key unique (account_key, person_key),
  constraint account_user_key_account_key_key unique (key, account_key),
  constraint account_user_account_key_fkey foreign key (account_key) references accounts.account,
  constraint account_user_person_key_fkey foreign key (person_key) references accounts.person,
  constraint account_user_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string'),
  constraint account_user_updated_by_shape check (jsonb_typeof(updated_by -> 'name') is not distinct from 'string')
);

comment on table accounts.account_user is
  'One person''s membership of one account. A removed one keeps its row: its history, and its id when invited again.';

create index account_user_person_key_idx on accounts.account_user (person_key);

-- The account is carried along so that a group of another account cannot be linked.
create table accounts.account_user_group (
  account_user_key bigint not null,
  user_group_key bigint not null,
  account_key bigint not null,
  constraint account_user_group_pkey primary key (account_user_key, user_group_key),
  constraint account_user_group_account_user_fkey foreign key (account_user_key, account_key)
    references accounts.account_user (key, account_key),
  constraint account_user_group_user_group_fkey foreign key (user_group_key, account_key)
    references accounts.user_group (key, account_key)
);

create index account_user_group_user_group_key_idx on accounts.account_user_group (user_group_key);

create type accounts.invitation_status as enum ('Open', 'Accepted', 'Superseded', 'Revoked', 'Expired');

-- Whether an open one has expired is asked of the clock at the moment of the question; Expired is what
-- history says of it once another has taken its place.
create table accounts.invitation (
  key bigint generated always as identity primary key,
  account_user_key bigint not null,
  status accounts.invitation_status not null default 'Open',
  code_sha256 bytea not null,
  sent_at timestamptz not null default now(),
  expires_at timestamptz not null,
  closed_at timestamptz,
  invited_by jsonb not null,
  constraint invitation_account_user_key_fkey foreign key (account_user_key) references accounts.account_user,
  constraint invitation_code_sha256_length check (octet_length(code_sha256) = 32),
  constraint invitation_expires_at_after_sent_at check (expires_at > sent_at),
  constraint invitation_closed_at_status check ((closed_at is null) = (status = 'Open')),
  constraint invitation_invited_by_shape check (jsonb_typeof(invited_by -> 'name') is not distinct from 'string')
);

comment on column accounts.invitation.code_sha256 is
  'SHA-256 of the one-time code; the code itself is kept nowhere. No index: a code is asked about with its member.';

create index invitation_account_user_key_idx on accounts.invitation (account_user_key);
create unique index invitation_open_key on accounts.invitation (account_user_key) where status = 'Open';

create table accounts.outbox (
  key bigint generated always as identity primary key,
  topic text not null,
  invitation_key bigint not null,
  created_at timestamptz not null default now(),
  constraint outbox_topic_known check (topic in ('invitation.mail')),
  constraint outbox_invitation_key_fkey foreign key (invitation_key) references accounts.invitation
);

create index outbox_invitation_key_idx on accounts.outbox (invitation_key);

comment on table accounts.outbox is
  'What must be done outside the database once the transaction that wrote the row has committed.';

create table accounts.audit_record (
  key bigint generated always as identity primary key,
  at timestamptz not null default now(),
  action text not null,
  actor jsonb not null,
  database_role text not null,
  trace_id text,
  object_id text not null,
  account_key bigint,
  constraint audit_record_actor_shape check (jsonb_typeof(actor -> 'name') is not distinct from 'string'),
  constraint audit_record_trace_id_shape check (trace_id ~ '^[0-9a-f]{32}$')
);

comment on table accounts.audit_record is 'Who did what to which object, append-only (a trigger refuses the rest).';
comment on column accounts.audit_record.account_key is
  'The account concerned. No foreign key: a record must outlast what it speaks of.';

create index audit_record_object_id_idx on accounts.audit_record (object_id, key);

-- What internal.plan_account_users decides about one create request.
create type internal.planned_invitation as (
  ordinal int,
  status int,
  detail text,
  errors jsonb,
  request jsonb,
  actor jsonb,
  trace_id text,
  account_key bigint,
  user_group_keys bigint[],
  email_key text,
  kind text,
  query text,
  wave int
);

update accounts.schema_version set version = 1;

commit;
