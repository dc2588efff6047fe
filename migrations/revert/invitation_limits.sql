-- With cascade: functions that sql/install.sql loaded depend on it.
begin;

drop table accounts.invitation_use, accounts.invitation_limit cascade;

commit;
