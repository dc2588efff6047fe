-- Cascade: some of the procedures, all of which sql/install.sql loads anew, have these types.
begin;

drop type internal.planned_invitation cascade;
drop table accounts.audit_record cascade;
drop table accounts.outbox cascade;
drop table accounts.invitation cascade;
drop type accounts.invitation_status cascade;
drop table accounts.account_user_group cascade;
drop table accounts.account_user cascade;
drop type accounts.account_user_status cascade;
drop table accounts.person cascade;
update accounts.schema_version set version = 0;

commit;
