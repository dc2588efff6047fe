-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop table accounts.user_group_set, accounts.user_group_buyer, accounts.user_group_module, accounts.user_group,
  accounts.buyer, accounts.module, accounts.api_token, accounts.account cascade;
drop type accounts.api_token_status cascade;
drop type accounts.account_status cascade;
drop type accounts.account_type cascade;

commit;
