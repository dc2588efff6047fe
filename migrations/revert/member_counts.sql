begin;

drop function internal.count_members() cascade;
drop table accounts.member_count;
update accounts.schema_version set version = 4;

commit;
