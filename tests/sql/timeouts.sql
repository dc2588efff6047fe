-- The settings of the server's role. tests/http/database/test_pooler.c tests that they take effect through a pooler.
begin;
select plan(8);

create temporary view setting as
select split_part(s.setting, '=', 1) as name, split_part(s.setting, '=', 2)::interval as value, r.setdatabase
from pg_db_role_setting as r
cross join lateral unnest(r.setconfig) as s (setting)
where r.setrole = to_regrole('accountsd_server')
  and split_part(s.setting, '=', 1) not in ('deadlock_timeout', 'default_transaction_isolation')
  and r.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()));

select is(
  (select array_agg(s.name order by s.name) from setting as s),
  array['client_connection_check_interval', 'idle_in_transaction_session_timeout', 'lock_timeout',
    'statement_timeout'],
  'the server''s role has its timeouts');
select is(
  (select count(*) from setting as s where s.setdatabase = 0), 0::bigint, 'and has them in this database only');
select is(
  (select count(*) from setting as s where s.value <= interval '0'), 0::bigint, 'none is off');
select ok(
  (select s.value < interval '10 seconds' from setting as s where s.name = 'statement_timeout'),
  'a statement ends before the server''s default for --database-timeout');
select ok(
  (select s.value < interval '5 seconds' from setting as s where s.name = 'lock_timeout'),
  'the wait for a lock ends before the server''s default for --queue-timeout');
select ok(
  (select l.value < s.value from setting as l, setting as s
    where l.name = 'lock_timeout' and s.name = 'statement_timeout'),
  'the wait for a lock ends before the statement');
select ok(
  (select d.setting::int < 1000 * extract(epoch from l.value)
    from setting as l, pg_settings as d where l.name = 'lock_timeout' and d.name = 'deadlock_timeout'),
  'a deadlock is found before the wait for its lock ends');

select is(
  (select array_agg(r.setrole::regrole::text order by r.setrole::regrole::text collate "C")
    from pg_db_role_setting as r
    cross join lateral unnest(r.setconfig) as s (setting)
    where s.setting = 'default_transaction_isolation=read committed'
      and r.setdatabase = (select d.oid from pg_database as d where d.datname = current_database())),
  array['accountsd_delivery', 'accountsd_server'], 'the programs are READ COMMITTED, whatever the database has set');

select * from finish();
rollback;
