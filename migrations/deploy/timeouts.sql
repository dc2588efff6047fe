-- How long the server's role may take, set for the role so that it holds whatever is between: PgBouncer, in transaction
-- pooling, passes on no setting of a session. In this database only, which may not be alone in its cluster. What
-- somebody has set here already, stays; and any of these may be changed at any time, from the next connection on:
--   alter role accountsd_server in database <database> set statement_timeout = '20s'
begin;

do $$
declare
  c_settings constant text[] := (
    select array_agg(s.setting)
    from pg_db_role_setting as r
    cross join lateral unnest(r.setconfig) as s (setting)
    where r.setrole = 'accountsd_server'::regrole
      and r.setdatabase = (select d.oid from pg_database as d where d.datname = current_database()));
  v_setting record;
begin
  for v_setting in
    select * from (values
      -- Below the server's --database-timeout, so that it hears of it, and nothing is left that runs on.
      ('statement_timeout', '8s'),
      -- Below --queue-timeout, so that who waits behind a request that waits for a lock, is served yet.
      ('lock_timeout', '2s'),
      -- The server leaves none open; one that is cut off in the midst does.
      ('idle_in_transaction_session_timeout', '10s'),
      -- A statement whose server is gone ends, and lets go of its locks.
      ('client_connection_check_interval', '1s')
    ) as s (name, value)
    where not exists (
      select from unnest(c_settings) as known (setting)
      where known.setting like s.name || '=%')
  loop
    execute format('alter role accountsd_server in database %I set %I = %L',
      current_database(), v_setting.name, v_setting.value);
  end loop;
end
$$;

set local role accountsd_owner;

update accounts.schema_version set version = 8;

commit;
