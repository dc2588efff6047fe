-- plpgsql_check reports nothing for any plpgsql function.
begin;
set local client_min_messages = warning;
create extension if not exists plpgsql_check;
select plan(2);

create temp view plpgsql_functions as
select p.oid, t.trigger_table, t.old_rows, t.new_rows
from pg_proc as p
join pg_language as l on l.oid = p.prolang
cross join lateral (
  select min(t.tgrelid::oid) as trigger_table, min(t.tgoldtable) as old_rows, min(t.tgnewtable) as new_rows
  from pg_trigger as t where t.tgfoid = p.oid
) as t
where l.lanname = 'plpgsql' and p.pronamespace in ('api'::regnamespace, 'internal'::regnamespace);

select cmp_ok((select count(*) from plpgsql_functions), '>', 10::bigint, 'there are functions to check');
select is_empty(
  $$ select f.oid::regprocedure, c.lineno, c.level, c.message
    from plpgsql_functions as f
    cross join lateral plpgsql_check_function_tb(f.oid, coalesce(f.trigger_table, 0),
      oldtable => f.old_rows, newtable => f.new_rows, security_warnings => true) as c
    where c.level in ('error', 'warning', 'warning extra', 'security') $$,
  'plpgsql_check finds no error and no warning');

select * from finish();
rollback;
