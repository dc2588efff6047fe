begin;

select 1 / (count(*) = 5)::int
from pg_roles
where rolname in (
    'accountsd_owner', 'accountsd_server', 'accountsd_delivery', 'accountsd_consumer', 'accountsd_dba')
  and rolcanlogin = (rolname in ('accountsd_server', 'accountsd_delivery'));

select 1 / (count(*) = 3)::int
from pg_namespace
where nspname in ('accounts', 'internal', 'api')
  and nspowner = 'accountsd_owner'::regrole;

select 1 / (count(*) = 8)::int
from pg_db_role_setting as r
cross join lateral unnest(r.setconfig) as s (setting)
where r.setrole in ('accountsd_server'::regrole, 'accountsd_delivery'::regrole)
  and r.setdatabase = (select d.oid from pg_database as d where d.datname = current_database())
  and split_part(s.setting, '=', 1) in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
    'client_connection_check_interval');

select version from accounts.schema_version where false;

rollback;
