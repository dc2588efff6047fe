-- The roles stay: they belong to the cluster, and other databases in it may use them. The
-- functions that sql/install.sql loaded go with their schemas.
begin;

drop schema api cascade;
drop schema internal cascade;
drop table accounts.schema_version;
alter default privileges for role accountsd_owner in schema accounts revoke select on tables from accountsd_dba;
alter default privileges for role accountsd_owner grant execute on functions to public;
drop schema accounts;

commit;
