-- What sets of groups give their members, kept as the JSON it is answered as: most of what an invitation cost was to
-- put it together, and it changes when somebody edits groups, buyers or modules. A kept set counts while the revisions
-- that it was made from are those of now; triggers raise them with every change, in the transaction that makes it.
begin;

set local role accountsd_owner;
set local lock_timeout = '10s';

alter table accounts.account add column groups_revision bigint not null default 0;
comment on column accounts.account.groups_revision is
  'Raised with every change of the account''s groups or buyers: a kept accounts.user_group_set of before is void.';

alter table accounts.settings add column modules_revision bigint not null default 0;
comment on column accounts.settings.modules_revision is
  'Raised with every change of a module: every kept accounts.user_group_set of before is void.';

create table accounts.user_group_set (
  user_group_keys bigint[] not null,
  account_key bigint not null,
  groups_revision bigint not null,
  modules_revision bigint not null,
  groups text not null,
  buyers text not null,
  modules text not null,
  constraint user_group_set_pkey primary key (user_group_keys),
  constraint user_group_set_account_key_fkey foreign key (account_key) references accounts.account
);

create index user_group_set_account_key_idx on accounts.user_group_set (account_key);

comment on table accounts.user_group_set is
  'What a set of groups, its keys in order, gives a membership: members of its JSON object. May be emptied any time.';

-- The first versions, for the procedures of before; sql/internal/revise_groups.sql replaces their bodies.
create function internal.revise_modules()
returns trigger
language plpgsql
as $$
begin
  update accounts.settings set modules_revision = modules_revision + 1;
  return null;
end
$$;

do $$
declare
  v_name text;
  v_trigger record;
begin
  foreach v_name in array array['revise_groups', 'revise_modules_of_groups', 'revise_all_groups'] loop
    execute format('create function internal.%I() returns trigger language plpgsql as %L', v_name,
      'begin update accounts.account set groups_revision = groups_revision + 1; return null; end');
  end loop;

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

  foreach v_name in array array['user_group', 'user_group_buyer', 'user_group_module', 'buyer'] loop
    execute format('create trigger %s_revise_truncated after truncate on accounts.%I
      for each statement execute function internal.revise_all_groups()', v_name, v_name);
  end loop;
end
$$;

create trigger module_revise after update or delete or truncate on accounts.module
for each statement execute function internal.revise_modules();

update accounts.schema_version set version = 6;

commit;
