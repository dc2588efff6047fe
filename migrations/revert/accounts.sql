begin;

-- The procedures, which sql/install.sql loads anew after a deploy, know the types of these tables.
drop table accounts.user_group_buyer;
drop table accounts.user_group_module;
drop table accounts.user_group;
drop table accounts.buyer;
drop table accounts.module cascade;
drop table accounts.api_token;
drop type accounts.api_token_status;
drop table accounts.account;
drop type accounts.account_status;
drop type accounts.account_type;
drop table accounts.settings;

commit;
