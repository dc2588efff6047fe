begin;

drop table accounts.invitation_use;
drop table accounts.invitation_limit;
update accounts.schema_version set version = 8;

commit;
