-- Lists of all accounts from indexes alone: by name, and with what a status and its invitation are told by in the
-- indexes that there are. In steps, so that a loaded database goes on working, and each step can be run again after one
-- that failed.
set client_min_messages = warning;
set role accountsd_owner;

-- Every key is above 0. A list of all accounts says so and is read from this index, one of one account does not: the
-- planner would take it for a narrow filter of a large account, and read the others' names too.
drop index concurrently if exists accounts.account_user_sort_name_idx;
create index concurrently account_user_sort_name_idx
  on accounts.account_user (sort_name, key) include (status) where status <> 'Removed' and key > 0;

drop index concurrently if exists accounts.account_user_created_at_new_idx;
create index concurrently account_user_created_at_new_idx
  on accounts.account_user (created_at, key) include (status) where status <> 'Removed';

drop index concurrently if exists accounts.invitation_open_new_key;
create unique index concurrently invitation_open_new_key
  on accounts.invitation (account_user_key) include (expires_at) where status = 'Open';

begin;

-- Rather fail, and be run again, than have all wait behind somebody's long transaction.
set local lock_timeout = '10s';

drop index accounts.account_user_created_at_idx, accounts.invitation_open_key;
alter index accounts.account_user_created_at_new_idx rename to account_user_created_at_idx;
alter index accounts.invitation_open_new_key rename to invitation_open_key;

update accounts.schema_version set version = 10;

commit;
