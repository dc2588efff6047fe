begin;

select sort_name from accounts.account_user where false;

select 1 / (count(*) = 2)::int from pg_index
where indisvalid and indexrelid in (
  'accounts.account_user_account_key_sort_name_idx'::regclass,
  'accounts.person_sort_name_key_key'::regclass);

select 1 / (count(*) = 1)::int from pg_constraint where conname = 'account_user_person_fkey' and convalidated;

select 1 / (version >= 4)::int from accounts.schema_version;

rollback;
