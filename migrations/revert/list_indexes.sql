begin;

drop index accounts.account_user_sort_name_idx, accounts.account_user_created_at_idx, accounts.invitation_open_key;
create index account_user_created_at_idx on accounts.account_user (created_at, key) where status <> 'Removed';
create unique index invitation_open_key on accounts.invitation (account_user_key) where status = 'Open';

update accounts.schema_version set version = 9;

commit;
