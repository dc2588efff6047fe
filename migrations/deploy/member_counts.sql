-- How many members an account has, kept, because counting them is most of what a page of a large account would cost.
-- Exact: written by triggers in the transaction that changes the members. In shards, so that transactions that change
-- one account's members at the same time do not wait for each other: each writes the row of its backend.
begin;

set local role accountsd_owner;
set local lock_timeout = '10s';

create table accounts.member_count (
  account_key bigint not null,
  shard int not null,
  members bigint not null,
  constraint member_count_pkey primary key (account_key, shard),
  constraint member_count_account_key_fkey foreign key (account_key) references accounts.account,
  constraint member_count_shard_range check (shard between 0 and 63)
) with (fillfactor = 50);

comment on table accounts.member_count is
  'The memberships that are not Removed, by account; the sum over its shards counts, one alone may be negative.';

-- The first version, for the procedures of before; sql/internal/count_members.sql replaces its body.
create function internal.count_members()
returns trigger
language plpgsql
as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from accounts.member_count;
    return null;
  end if;
  if tg_op <> 'INSERT' then
    insert into accounts.member_count as c (account_key, shard, members)
    select o.account_key, pg_backend_pid() % 64, -count(*)
    from old_rows as o where o.status <> 'Removed' group by o.account_key order by o.account_key
    on conflict (account_key, shard) do update set members = c.members + excluded.members;
  end if;
  if tg_op <> 'DELETE' then
    insert into accounts.member_count as c (account_key, shard, members)
    select n.account_key, pg_backend_pid() % 64, count(*)
    from new_rows as n where n.status <> 'Removed' group by n.account_key order by n.account_key
    on conflict (account_key, shard) do update set members = c.members + excluded.members;
  end if;
  return null;
end
$$;

create trigger account_user_count_inserted after insert on accounts.account_user
referencing new table as new_rows for each statement execute function internal.count_members();
create trigger account_user_count_updated after update on accounts.account_user
referencing old table as old_rows new table as new_rows for each statement execute function internal.count_members();
create trigger account_user_count_deleted after delete on accounts.account_user
referencing old table as old_rows for each statement execute function internal.count_members();
create trigger account_user_count_truncated after truncate on accounts.account_user
for each statement execute function internal.count_members();

-- The triggers' lock keeps others from changing members until this has counted them.
insert into accounts.member_count (account_key, shard, members)
select u.account_key, 0, count(*) from accounts.account_user as u where u.status <> 'Removed' group by u.account_key;

update accounts.schema_version set version = 5;

commit;
