-- People, their memberships of accounts, and invitations.
begin;

set local role accountsd_owner;

create sequence accounts.rehearsal_key_seq minvalue 1 maxvalue 1000000 cycle;

comment on sequence accounts.rehearsal_key_seq is
  'Keys of rows of dry runs, which are rolled back: no committed row has one.';

-- A person is identified by an address (email_key). Until the first acceptance a person has no profile: what an
-- inviter enters is stored in the membership. The first acceptance creates the profile.
--
-- Keys up to 1,000,000 are reserved for dry runs, which reuse them. So dry runs consume no keys of real rows, and
-- their ids look like any other.
create table accounts.person (
  key bigint generated always as identity (start with 1000001) primary key,
  email_key text collate "C" not null,
  created_at timestamptz not null default now(),
  accepted_at timestamptz,
  email text,
  first_name text,
  last_name text,
  icon text,
  phone_prefix text,
  phone_number text,
  culture_code text,
  language_code text,
  constraint person_key_range check (key between 1 and 999999999999),
  constraint person_email_key_key unique (email_key),
  constraint person_email_key_length check (octet_length(email_key) between 3 and 1024),
  constraint person_profile_accepted check (
    case when accepted_at is null
      then num_nonnulls(email, first_name, last_name, icon, phone_prefix, phone_number, culture_code, language_code) = 0
      else num_nonnulls(email, first_name, last_name) = 3 end),
  constraint person_email_length check (octet_length(email) between 3 and 254),
  constraint person_first_name_length check (octet_length(first_name) between 1 and 800),
  constraint person_last_name_length check (octet_length(last_name) between 1 and 800),
  constraint person_texts_normalized check (
    email is nfc normalized and first_name is nfc normalized and last_name is nfc normalized),
  constraint person_phone_prefix_shape check (phone_prefix ~ '^\+[0-9]{1,4}$'),
  constraint person_phone_number_shape check (phone_number ~ '^[0-9]{1,15}$'),
  constraint person_culture_code_length check (char_length(culture_code) between 2 and 35),
  constraint person_language_code_length check (char_length(language_code) between 2 and 35)
);

comment on table accounts.person is
  'A person, by address. The profile (email and the following columns) is null until the first acceptance.';
comment on column accounts.person.email_key is 'The unique key of the address, computed by internal.email_key.';
comment on column accounts.person.accepted_at is 'When the person first accepted an invitation.';

create type accounts.account_user_status as enum ('Invited', 'Active', 'Removed');

-- The same as in sql/internal/texts/sort_name.sql.
create function internal.sort_name(first_name text, last_name text)
returns text
language sql immutable parallel safe
as $$
  select upper((first_name || ' ' || last_name) collate "und-x-icu") collate "C"
$$;

create table accounts.account_user (
  key bigint generated always as identity (start with 1000001),
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
  email text not null,
  first_name text not null,
  last_name text not null,
  icon text,
  phone_prefix text,
  phone_number text,
  culture_code text,
  language_code text,
  sort_name text collate "C" not null generated always as (internal.sort_name(first_name, last_name)) stored,
  constraint account_user_key_range check (key between 1 and 9999999999999999),
  constraint account_user_email_length check (octet_length(email) between 3 and 254),
  constraint account_user_first_name_length check (octet_length(first_name) between 1 and 800),
  constraint account_user_last_name_length check (octet_length(last_name) between 1 and 800),
  constraint account_user_texts_normalized check (
    email is nfc normalized and first_name is nfc normalized and last_name is nfc normalized),
  constraint account_user_phone_prefix_shape check (phone_prefix ~ '^\+[0-9]{1,4}$'),
  constraint account_user_phone_number_shape check (phone_number ~ '^[0-9]{1,15}$'),
  constraint account_user_culture_code_length check (char_length(culture_code) between 2 and 35),
  constraint account_user_language_code_length check (char_length(language_code) between 2 and 35),
  constraint account_user_account_key_fkey foreign key (account_key) references accounts.account,
  constraint account_user_person_key_fkey foreign key (person_key) references accounts.person,
  constraint account_user_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string'),
  constraint account_user_updated_by_shape check (jsonb_typeof(updated_by -> 'name') is not distinct from 'string')
);

comment on table accounts.account_user is
  'One person''s membership of one account. A removed one keeps its row, and its id if it is invited again.';

comment on column accounts.account_user.email is
  'The address as the inviter entered it. This and the following columns are what the inviter entered; in an Active
membership triggers keep them equal to the person''s profile, which the first Active membership creates.';

create index account_user_person_key_idx on accounts.account_user (person_key);

-- created_at and key are the default order of a list.
create index account_user_created_at_idx on accounts.account_user (created_at, key) include (status)
  where status <> 'Removed';

-- The same order by another expression, so that a list of one account is not read from the index above. The planner
-- would choose that index for any large account, and skip all memberships that are older than that account.
create index account_user_account_key_created_at_idx
  on accounts.account_user (account_key, (created_at at time zone 'utc'), key) where status <> 'Removed';
create index account_user_account_key_status_idx
  on accounts.account_user (account_key, status, (created_at at time zone 'utc'), key);
create index account_user_account_key_sort_name_idx
  on accounts.account_user (account_key, sort_name, key) where status <> 'Removed';

-- Every key is above 0. Only a list of all accounts has this condition and can use this index. For a list of one
-- account the planner would choose it when the account is large and the filter is narrow, and read the names of all
-- accounts.
create index account_user_sort_name_idx
  on accounts.account_user (sort_name, key) include (status) where status <> 'Removed' and key > 0;

-- Created after the indexes of the lists. If indexes cost the same, as in an empty table, the planner takes the
-- newest, and a cached plan keeps that choice for a while.
alter table accounts.account_user
  add constraint account_user_key_account_key_key unique (key, account_key),
  add constraint account_user_account_key_person_key_key unique (account_key, person_key),
  add constraint account_user_pkey primary key (key);

-- The number of members of each account, stored because counting would be most of the cost of a page of a large
-- account. It is exact: triggers update it in the transaction that changes memberships. Each account has several
-- shards, so that concurrent transactions write different rows and do not wait for each other.
create table accounts.member_count (
  account_key bigint not null,
  shard int not null,
  members bigint not null,
  constraint member_count_pkey primary key (account_key, shard),
  constraint member_count_account_key_fkey foreign key (account_key) references accounts.account,
  constraint member_count_shard_range check (shard >= 0)
) with (fillfactor = 50);

comment on table accounts.member_count is
  'The number of memberships that are not Removed: the sum of an account''s shards. A single shard may be negative.';

-- sql/install.sql replaces the bodies of the trigger functions.
create function internal.count_members()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

create function internal.take_profile()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

create function internal.spread_profile()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

-- A restore of data alone inserts the memberships, which the triggers count, and also the dumped counts. These are
-- skipped: only rows written by internal.count_members inside its triggers, or by api.repair, are inserted.
create function internal.skip_row()
returns trigger
language plpgsql
as $$ begin raise exception 'sql/install.sql has not been run'; end $$;

create trigger member_count_skip_copied
before insert on accounts.member_count
for each row when (pg_trigger_depth() = 0 and current_setting('accountsd.counts_members', true) is distinct from 'on')
execute function internal.skip_row();

create trigger account_user_count_inserted after insert on accounts.account_user
referencing new table as new_rows for each statement execute function internal.count_members();
create trigger account_user_count_updated after update on accounts.account_user
referencing old table as old_rows new table as new_rows for each statement execute function internal.count_members();
create trigger account_user_count_deleted after delete on accounts.account_user
referencing old table as old_rows for each statement execute function internal.count_members();
create trigger account_user_count_truncated after truncate on accounts.account_user
for each statement execute function internal.count_members();

create trigger account_user_take_profile before insert or update on accounts.account_user
for each row when (new.status = 'Active') execute function internal.take_profile();

create trigger person_spread_profile
after update of email, first_name, last_name, icon, phone_prefix, phone_number, culture_code, language_code
on accounts.person
for each row when (new.accepted_at is not null) execute function internal.spread_profile();

-- account_key is part of the foreign keys, so that a group of another account cannot be linked.
create table accounts.account_user_group (
  account_user_key bigint not null,
  user_group_key bigint not null,
  account_key bigint not null,
  constraint account_user_group_account_user_fkey foreign key (account_user_key, account_key)
    references accounts.account_user (key, account_key),
  constraint account_user_group_user_group_fkey foreign key (user_group_key, account_key)
    references accounts.user_group (key, account_key)
);

create index account_user_group_user_group_key_idx on accounts.account_user_group (user_group_key);
alter table accounts.account_user_group
  add constraint account_user_group_pkey primary key (account_user_key, user_group_key);

create type accounts.invitation_status as enum ('Open', 'Accepted', 'Superseded', 'Revoked', 'Expired');

-- Whether an open invitation has expired is computed from expires_at. The status becomes Expired only when the
-- invitation is closed.
create table accounts.invitation (
  key bigint generated always as identity,
  account_user_key bigint not null,
  status accounts.invitation_status not null default 'Open',
  code_sha256 bytea not null,
  sent_at timestamptz not null default now(),
  expires_at timestamptz not null,
  closed_at timestamptz,
  invited_by jsonb not null,
  mail_code_sha256s bytea[] not null default '{}',
  constraint invitation_account_user_key_fkey foreign key (account_user_key) references accounts.account_user,
  constraint invitation_code_sha256_length check (octet_length(code_sha256) = 32),
  constraint invitation_expires_at_after_sent_at check (expires_at > sent_at),
  constraint invitation_closed_at_status check ((closed_at is null) = (status = 'Open')),
  constraint invitation_invited_by_shape check (jsonb_typeof(invited_by -> 'name') is not distinct from 'string')
);

comment on column accounts.invitation.code_sha256 is
  'SHA-256 of the one-time code, which is not stored. Not indexed: a code is looked up within its membership.';

-- The code of a mail is generated when the mail is sent, so that no table ever contains it.
comment on column accounts.invitation.mail_code_sha256s is
  'SHA-256 of the codes in mails, one for each attempt to send one. Each is as valid as the code of code_sha256.';

create index invitation_expires_at_idx on accounts.invitation (expires_at) where status = 'Open';
create index invitation_account_user_key_key_idx on accounts.invitation (account_user_key, key);
create unique index invitation_open_key on accounts.invitation (account_user_key) include (expires_at)
  where status = 'Open';
alter table accounts.invitation add constraint invitation_pkey primary key (key);

commit;
