begin;

select 1 / (count(*) = 4)::int
from pg_db_role_setting as r
cross join lateral unnest(r.setconfig) as s (setting)
where r.setrole = 'accountsd_server'::regrole
  and r.setdatabase = (select d.oid from pg_database as d where d.datname = current_database())
  and split_part(s.setting, '=', 1) in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
    'client_connection_check_interval');

select 1 / (version >= 8)::int from accounts.schema_version;

rollback;
