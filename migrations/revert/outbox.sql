-- "cascade" also drops the functions of sql/install.sql that depend on it.
begin;

drop function internal.record_status_event() cascade;
drop table accounts.event_horizon, accounts.event, accounts.expiry_notice, accounts.outbox cascade;
drop type accounts.delivery_status cascade;

commit;
