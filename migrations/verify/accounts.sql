begin;

select key, type, status, name, icon, created_at, created_by, groups_revision
from accounts.account where false;
select key, account_key, name, icon, proof_sha256, status, created_at, created_by, disabled_at
from accounts.api_token where false;
select key, name, description, is_configurable, is_default, is_paid, is_obsolete, types, eligible_multi, eligible_single
from accounts.module where false;
select key, account_key, name, icon from accounts.buyer where false;
select key, account_key, name, description, logo, is_default, has_all_buyers from accounts.user_group where false;
select user_group_key, module_key from accounts.user_group_module where false;
select user_group_key, buyer_key, account_key, has_all_buyers from accounts.user_group_buyer where false;

select 1 / (count(*) = 1)::int from pg_index
where indexrelid = 'accounts.user_group_default_key'::regclass and indisunique and indpred is not null;

select user_group_keys, account_key, groups_revision, modules_revision, groups, buyers, modules
from accounts.user_group_set where false;

select 1 / (count(*) = 21)::int from pg_trigger
where tgrelid in (
  'accounts.user_group'::regclass, 'accounts.user_group_buyer'::regclass, 'accounts.user_group_module'::regclass,
  'accounts.buyer'::regclass, 'accounts.module'::regclass)
  and tgname like '%\_revise%';

rollback;
