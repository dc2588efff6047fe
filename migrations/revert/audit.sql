-- With cascade: functions that sql/install.sql loaded depend on it.
begin;

drop table accounts.audit_record cascade;

commit;
