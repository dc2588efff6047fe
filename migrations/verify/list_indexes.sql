begin;

select 1 / (count(*) = 3)::int from pg_index
where indisvalid and indnatts > indnkeyatts and indexrelid in (
  'accounts.account_user_sort_name_idx'::regclass,
  'accounts.account_user_created_at_idx'::regclass,
  'accounts.invitation_open_key'::regclass);

select 1 / (version >= 10)::int from accounts.schema_version;

rollback;
