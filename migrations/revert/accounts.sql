begin;

-- Cascade: some of the procedures, all of which sql/install.sql loads anew, have these types.
drop table accounts.user_group_buyer;
drop table accounts.user_group_module;
drop table accounts.user_group;
drop table accounts.buyer;
drop table accounts.module cascade;
drop table accounts.api_token;
drop type accounts.api_token_status cascade;
drop table accounts.account;
drop type accounts.account_status cascade;
drop type accounts.account_type cascade;
drop table accounts.settings;

commit;
