-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop table accounts.invitation_use, accounts.invitation_limit cascade;

commit;
