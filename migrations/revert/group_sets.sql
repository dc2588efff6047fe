begin;

drop function internal.revise_groups() cascade;
drop function internal.revise_modules_of_groups() cascade;
drop function internal.revise_all_groups() cascade;
drop function internal.revise_modules() cascade;
drop table accounts.user_group_set;
alter table accounts.settings drop column modules_revision;
alter table accounts.account drop column groups_revision;
update accounts.schema_version set version = 5;

commit;
