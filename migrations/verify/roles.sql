begin;

select 1 / (count(*) = 3)::int
from pg_roles
where rolname in ('accountsd_owner', 'accountsd_server', 'accountsd_dba')
  and rolcanlogin = (rolname = 'accountsd_server');

select 1 / (count(*) = 3)::int
from pg_namespace
where nspname in ('accounts', 'internal', 'api')
  and nspowner = 'accountsd_owner'::regrole;

select version from accounts.schema_version where false;

rollback;
