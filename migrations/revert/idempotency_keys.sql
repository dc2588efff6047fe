-- With cascade: functions that sql/install.sql loaded depend on it.
begin;

drop table accounts.idempotency_key cascade;

commit;
