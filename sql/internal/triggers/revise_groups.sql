-- Invalidates the kept sets of groups when their source changes: increments the revision of the accounts concerned,
-- and deletes the sets. A concurrent transaction that is writing a set stores the old revision with it, so that set
-- is invalid too, although it is not deleted.
create or replace function internal.revise_accounts(keys bigint[])
returns void
language plpgsql
as $$
begin
  -- Accounts and sets are locked in one order, so that concurrent revisions of the same accounts do not deadlock, nor
  -- do they with a transaction that keeps a set.
  perform from accounts.account as a where a.key = any (keys) order by a.key for no key update;
  update accounts.account as a set groups_revision = a.groups_revision + 1 where a.key = any (keys);
  perform from accounts.user_group_set as s where s.account_key = any (keys) order by s.user_group_keys for update;
  delete from accounts.user_group_set as s where s.account_key = any (keys);
end
$$;

-- Triggers. "changed" is the transition table: the old or the new rows.

create or replace function internal.revise_groups()
returns trigger
language plpgsql
as $$
begin
  perform internal.revise_accounts(array(select distinct c.account_key from changed as c));
  return null;
end
$$;

create or replace function internal.revise_modules_of_groups()
returns trigger
language plpgsql
as $$
begin
  perform internal.revise_accounts(array(
    select distinct g.account_key from changed as c join accounts.user_group as g on g.key = c.user_group_key));
  return null;
end
$$;

create or replace function internal.revise_all_groups()
returns trigger
language plpgsql
as $$
begin
  perform internal.revise_accounts(array(select a.key from accounts.account as a));
  return null;
end
$$;

create or replace function internal.revise_modules()
returns trigger
language plpgsql
as $$
begin
  update accounts.settings set modules_revision = modules_revision + 1;
  perform from accounts.user_group_set as s order by s.user_group_keys for update;
  delete from accounts.user_group_set;
  return null;
end
$$;
