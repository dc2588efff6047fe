-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop table accounts.member_count, accounts.invitation, accounts.account_user_group, accounts.account_user,
  accounts.person cascade;
drop sequence accounts.rehearsal_key_seq;
drop type accounts.invitation_status cascade;
drop type accounts.account_user_status cascade;

commit;
