begin;

-- Cascade: the procedures, all of which sql/install.sql loads anew, have these types.
drop type internal.verdict cascade;
drop type internal.caller cascade;
update accounts.schema_version set version = 1;

commit;
