begin;

-- Cascade: some of the procedures, all of which sql/install.sql loads anew, have these types.
drop table accounts.user_group_buyer cascade;
drop table accounts.user_group_module cascade;
drop table accounts.user_group cascade;
drop table accounts.buyer cascade;
drop table accounts.module cascade;
drop table accounts.api_token cascade;
drop type accounts.api_token_status cascade;
drop table accounts.account cascade;
drop type accounts.account_status cascade;
drop type accounts.account_type cascade;
drop table accounts.settings cascade;

commit;
