-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop table accounts.audit_record cascade;

commit;
