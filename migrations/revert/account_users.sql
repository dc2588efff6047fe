begin;

drop type internal.planned_invitation cascade;
drop table accounts.audit_record;
drop table accounts.outbox;
drop table accounts.invitation;
drop type accounts.invitation_status;
drop table accounts.account_user_group;
drop table accounts.account_user;
drop type accounts.account_user_status;
drop table accounts.person;
update accounts.schema_version set version = 0;

commit;
