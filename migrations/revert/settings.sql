-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop table accounts.settings cascade;

commit;
