begin;

select 1 / (count(*) = 3)::int from pg_index
where indisvalid and indexrelid in (
  'accounts.account_user_created_at_idx'::regclass,
  'accounts.account_user_account_key_created_at_idx'::regclass,
  'accounts.account_user_account_key_status_idx'::regclass);

select 1 / (version >= 3)::int from accounts.schema_version;

rollback;
