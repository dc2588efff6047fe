-- Accounts and what belongs to them before anybody is invited.
--
-- Keys are identities, so that new rows go to the right edge of every index. Public ids are computed from the keys
-- (sql/internal/ids/account_user_id.sql); the number of digits of an id bounds its key.
begin;

set local role accountsd_owner;

create type accounts.account_type as enum ('Client', 'Vendor', 'Operations');
create type accounts.account_status as enum ('Active', 'Enabled', 'Disabled');

create table accounts.account (
  key bigint generated always as identity primary key,
  type accounts.account_type not null,
  status accounts.account_status not null default 'Active',
  name text not null,
  icon text,
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  groups_revision bigint not null default 0,
  constraint account_key_range check (key between 1 and 999999999999),
  constraint account_name_length check (octet_length(name) between 1 and 800),
  constraint account_name_normalized check (name is nfc normalized),
  constraint account_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string')
);

comment on column accounts.account.groups_revision is
  'Incremented with every change of the account''s groups or buyers, which invalidates rows of user_group_set.';
comment on column accounts.account.created_by is
  'The actor, as it was at that time: {id, name, icon} of a token or person, {name} of a database role.';

create type accounts.api_token_status as enum ('Active', 'Disabled', 'Deleted');

create table accounts.api_token (
  key bigint generated always as identity primary key,
  account_key bigint not null,
  name text not null,
  icon text,
  proof_sha256 bytea not null,
  status accounts.api_token_status not null default 'Active',
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  disabled_at timestamptz,
  constraint api_token_key_range check (key between 1 and 999999999999),
  constraint api_token_account_key_fkey foreign key (account_key) references accounts.account,
  constraint api_token_name_length check (octet_length(name) between 1 and 800),
  constraint api_token_name_normalized check (name is nfc normalized),
  constraint api_token_proof_sha256_length check (octet_length(proof_sha256) = 32),
  constraint api_token_disabled_at_status check ((disabled_at is null) = (status = 'Active')),
  constraint api_token_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string')
);

comment on column accounts.api_token.proof_sha256 is
  'SHA-256 of the proof that api functions take as their token argument, which is the SHA-256 of the secret in hex. '
  'Neither the secret nor the proof is stored.';

create index api_token_account_key_idx on accounts.api_token (account_key);

create table accounts.module (
  key bigint generated always as identity primary key,
  name text collate "C" not null,
  description text,
  is_configurable boolean not null default false,
  is_default boolean not null default false,
  is_paid boolean not null default false,
  is_obsolete boolean not null default false,
  types text[] not null default '{}',
  eligible_multi boolean not null default true,
  eligible_single boolean not null default true,
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  constraint module_key_range check (key between 1 and 99999999),
  constraint module_name_length check (octet_length(name) between 1 and 800),
  constraint module_name_normalized check (name is nfc normalized),
  constraint module_name_key unique (name),
  constraint module_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string')
);

create table accounts.buyer (
  key bigint generated always as identity primary key,
  account_key bigint not null,
  name text not null,
  icon text,
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  constraint buyer_key_range check (key between 1 and 999999999999),
  constraint buyer_account_key_fkey foreign key (account_key) references accounts.account,
  constraint buyer_key_account_key_key unique (key, account_key),
  constraint buyer_name_length check (octet_length(name) between 1 and 800),
  constraint buyer_name_normalized check (name is nfc normalized),
  constraint buyer_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string')
);

create index buyer_account_key_idx on accounts.buyer (account_key);

create table accounts.user_group (
  key bigint generated always as identity primary key,
  account_key bigint not null,
  name text collate "C" not null,
  description text,
  logo text,
  is_default boolean not null default false,
  has_all_buyers boolean not null default false,
  created_at timestamptz not null default now(),
  created_by jsonb not null,
  constraint user_group_key_range check (key between 1 and 999999999999),
  constraint user_group_account_key_fkey foreign key (account_key) references accounts.account,
  constraint user_group_key_account_key_key unique (key, account_key),
  constraint user_group_key_account_key_has_all_buyers_key unique (key, account_key, has_all_buyers),
  constraint user_group_account_key_name_key unique (account_key, name),
  constraint user_group_name_length check (octet_length(name) between 1 and 800),
  constraint user_group_name_normalized check (name is nfc normalized),
  constraint user_group_created_by_shape check (jsonb_typeof(created_by -> 'name') is not distinct from 'string')
);

create unique index user_group_default_key on accounts.user_group (account_key) where is_default;

create table accounts.user_group_module (
  user_group_key bigint not null,
  module_key bigint not null,
  constraint user_group_module_pkey primary key (user_group_key, module_key),
  constraint user_group_module_user_group_key_fkey foreign key (user_group_key) references accounts.user_group,
  constraint user_group_module_module_key_fkey foreign key (module_key) references accounts.module
);

create index user_group_module_module_key_idx on accounts.user_group_module (module_key);

-- account_key is part of the foreign keys, so that a buyer of another account cannot be linked; has_all_buyers, so
-- that a group has either a list of buyers or all of them.
create table accounts.user_group_buyer (
  user_group_key bigint not null,
  buyer_key bigint not null,
  account_key bigint not null,
  has_all_buyers boolean not null default false,
  constraint user_group_buyer_pkey primary key (user_group_key, buyer_key),
  constraint user_group_buyer_has_all_buyers_false check (not has_all_buyers),
  constraint user_group_buyer_user_group_fkey foreign key (user_group_key, account_key, has_all_buyers)
    references accounts.user_group (key, account_key, has_all_buyers),
  constraint user_group_buyer_buyer_fkey foreign key (buyer_key, account_key)
    references accounts.buyer (key, account_key)
);

create index user_group_buyer_buyer_key_idx on accounts.user_group_buyer (buyer_key);

-- The JSON that sets of groups contribute to responses. It is expensive to build and changes only when groups, buyers
-- or modules are edited. A row is valid while its revisions are the current ones; triggers increment those with every
-- edit, in the same transaction.
create table accounts.user_group_set (
  user_group_keys bigint[] not null,
  account_key bigint not null,
  groups_revision bigint not null,
  modules_revision bigint not null,
  groups json not null,
  buyers json not null,
  modules json not null,
  constraint user_group_set_pkey primary key (user_group_keys),
  constraint user_group_set_account_key_fkey foreign key (account_key) references accounts.account
);

create index user_group_set_account_key_idx on accounts.user_group_set (account_key);

comment on table accounts.user_group_set is
  'A cache: what a set of groups, by its sorted keys, contributes to the JSON of a membership. May be emptied.';

-- sql/install.sql replaces the bodies of the trigger functions.
do $$
declare
  v_name text;
begin
  foreach v_name in array array['revise_groups', 'revise_modules_of_groups', 'revise_all_groups', 'revise_modules'] loop
    execute format('create function internal.%I() returns trigger language plpgsql as %L', v_name,
      'begin raise exception ''sql/install.sql has not been run''; end');
  end loop;
end
$$;

do $$
declare
  v_trigger record;
  v_table text;
begin
  for v_trigger in
    select t.name as table_name, t.function_name, e.name, e.event, e.side
    from (values
      ('user_group', 'revise_groups'),
      ('user_group_buyer', 'revise_groups'),
      ('user_group_module', 'revise_modules_of_groups'),
      ('buyer', 'revise_groups')
    ) as t (name, function_name)
    cross join (values
      ('inserted', 'insert', 'new'),
      ('deleted', 'delete', 'old'),
      ('updated_from', 'update', 'old'),
      ('updated_to', 'update', 'new')
    ) as e (name, event, side)
  loop
    execute format('create trigger %s_revise_%s after %s on accounts.%I referencing %s table as changed
      for each statement execute function internal.%I()',
      v_trigger.table_name, v_trigger.name, v_trigger.event, v_trigger.table_name, v_trigger.side,
      v_trigger.function_name);
  end loop;

  foreach v_table in array array['user_group', 'user_group_buyer', 'user_group_module', 'buyer'] loop
    execute format('create trigger %s_revise_truncated after truncate on accounts.%I
      for each statement execute function internal.revise_all_groups()', v_table, v_table);
  end loop;
end
$$;

create trigger module_revise after update or delete or truncate on accounts.module
for each statement execute function internal.revise_modules();

commit;
