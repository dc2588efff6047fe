begin;

drop index accounts.person_name_idx;
drop index accounts.account_user_account_key_status_idx;
drop index accounts.account_user_account_key_created_at_idx;
drop index accounts.account_user_created_at_idx;
update accounts.schema_version set version = 2;

commit;
