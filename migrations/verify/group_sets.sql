begin;

select user_group_keys, account_key, groups_revision, modules_revision, groups, buyers, modules
from accounts.user_group_set where false;
select groups_revision from accounts.account where false;
select modules_revision from accounts.settings where false;

select 1 / (count(*) = 21)::int from pg_trigger
where tgrelid in (
  'accounts.user_group'::regclass, 'accounts.user_group_buyer'::regclass, 'accounts.user_group_module'::regclass,
  'accounts.buyer'::regclass, 'accounts.module'::regclass)
  and tgname like '%\_revise%';

select 1 / (version >= 6)::int from accounts.schema_version;

rollback;
