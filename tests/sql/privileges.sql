-- The catalogue: no object has more privileges than it should, and every name follows the pattern.
begin;
\ir lib/fixture.sql
select plan(54);

create temp view our_functions as
select p.oid::regprocedure as name, n.nspname as schema, p.*
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
where n.nspname in ('api', 'internal', 'accounts');

create temp view our_relations as
select c.oid::regclass as name, c.*
from pg_class as c
where c.relnamespace in ('accounts'::regnamespace, 'internal'::regnamespace, 'api'::regnamespace);

select cmp_ok((select count(*) from our_functions where schema = 'api'), '>=', 10::bigint,
  'there are api functions to look at');
select is_empty(
  $$ select name from our_functions where proowner <> 'accountsd_owner'::regrole $$,
  'accountsd_owner owns every function');
select is_empty(
  $$ select name from our_relations where relkind in ('r', 'S', 'v', 'm', 'p')
    and relowner <> 'accountsd_owner'::regrole $$,
  'accountsd_owner owns every table and sequence');
select is_empty(
  $$ select nspname from pg_namespace
    where nspname in ('api', 'internal', 'accounts') and nspowner <> 'accountsd_owner'::regrole $$,
  'accountsd_owner owns every schema');

select is_empty(
  $$ select f.name from our_functions as f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
    where a.grantee = 0 $$,
  'public executes no function');
select is_empty(
  $$ select n.nspname from pg_namespace as n, aclexplode(n.nspacl) as a
    where n.nspname in ('api', 'internal', 'accounts') and a.grantee = 0 $$,
  'public uses no schema');
select is_empty(
  $$ select r.name from our_relations as r, aclexplode(r.relacl) as a where a.grantee = 0 $$,
  'public has no privilege on a table or sequence');
select is_empty(
  $$ select r.name, c.attname from our_relations as r
    join pg_attribute as c on c.attrelid = r.oid, aclexplode(c.attacl) as a $$,
  'nobody has a privilege on a column alone');
select is_empty(
  $$ select f.name from our_functions as f, aclexplode(f.proacl) as a
    where f.schema <> 'api' and a.grantee <> f.proowner $$,
  'nobody but the owner executes an internal function');
select is_empty(
  $$ select f.name, a.grantee::regrole from our_functions as f, aclexplode(f.proacl) as a
    where a.grantee not in ('accountsd_owner'::regrole, 'accountsd_server'::regrole, 'accountsd_dba'::regrole,
      'accountsd_delivery'::regrole, 'accountsd_consumer'::regrole) $$,
  'no role that is not ours executes a function');
select is_empty(
  $$ select f.name from our_functions as f, aclexplode(f.proacl) as a where a.is_grantable
    and a.grantee <> f.proowner $$,
  'nobody may pass a function on');

select is_empty(
  $$ select name, proconfig from our_functions
    where prosecdef and not exists (
      select from unnest(proconfig) as setting
      where setting ~ '^search_path=' and setting ~ '[=, ]pg_temp$' and setting !~ 'public|\$user') $$,
  'every security definer function pins a search_path that ends in pg_temp');
select is_empty(
  $$ select name from our_functions where prosecdef and schema <> 'api' $$,
  'only api functions are security definer');
select is_empty(
  $$ select name from our_functions where schema = 'api' and provolatile = 'v' and not prosecdef $$,
  'every api function that writes is security definer');
select is_empty(
  $$ select name from our_functions where schema = 'api' and coalesce(obj_description(oid, 'pg_proc'), '') = '' $$,
  'every api function has a comment');
select is_empty(
  $$ select name from our_functions where schema = 'api' and prokind <> 'f' $$,
  'every api routine is a function');
select is_empty(
  $$ select proname from our_functions where schema = 'api' group by proname having count(*) > 1 $$,
  'no api function is overloaded');

select set_eq(
  $$ select name::text from our_functions where has_function_privilege('accountsd_server', oid, 'execute') $$,
  array[
    'api.accept_account_user_invite(text,jsonb,text,text)',
    'api.accept_user_invite(text,text,jsonb,text,text)',
    'api.add_account_user_group(text,jsonb,text,text,text)',
    'api.add_user_group(text,text,jsonb,text,text,text)',
    'api.check_tokens(jsonb)',
    'api.create_account_user(jsonb,text,text,text,text)',
    'api.create_account_users(jsonb)',
    'api.create_user(text,jsonb,text,text,text,text)',
    'api.get_account_user(text,text,text,text)',
    'api.get_invitation(text,text)',
    'api.get_user(text,text,text,text,text)',
    'api.list_account_users(text,text,text)',
    'api.list_users(text,text,text,text)',
    'api.remove_account_user(text,text,text)',
    'api.remove_user(text,text,text,text)',
    'api.replace_account_user_groups(text,jsonb,text,text)',
    'api.replace_user(text,text,jsonb,text,text)',
    'api.replace_user_groups(text,text,jsonb,text,text)',
    'api.resend_account_user_invite(text,text,text,text)',
    'api.resend_user_invite(text,text,text,text,text)',
    'api.schema_version()',
    'api.send_new_account_user_invite(text,text,text,text)',
    'api.send_new_user_invite(text,text,text,text,text)',
    'api.serve(jsonb)',
    'api.take_account_user_group(text,text,text,text)',
    'api.take_user_group(text,text,text,text,text)'],
  'the server executes the operational functions and no other');
select set_eq(
  $$ select name::text from our_functions where has_function_privilege('accountsd_delivery', oid, 'execute') $$,
  array[
    'api.announce_expiries(integer)',
    'api.claim_deliveries(integer,interval)',
    'api.complete_deliveries(jsonb)',
    'api.delivery_backlog()',
    'api.key_space()',
    'api.number_events(integer)',
    'api.schema_version()'],
  'delivery may execute only what it needs');
select set_eq(
  $$ select name::text from our_functions where has_function_privilege('accountsd_consumer', oid, 'execute') $$,
  array['api.read_events(bigint,integer)'], 'a consumer reads events and does nothing else');
select is_empty(
  $$ select name from our_relations, (values ('accountsd_delivery'), ('accountsd_consumer')) as r (role)
    where relkind in ('r', 'v', 'm', 'p')
      and has_table_privilege(r.role, oid, 'select, insert, update, delete, truncate') $$,
  'neither has a privilege on a table');
select is_empty(
  $$ select name from our_relations where relkind in ('r', 'v', 'm', 'p') and (
      has_table_privilege('accountsd_server', oid, 'select, insert, update, delete, truncate, references, trigger')
      or has_any_column_privilege('accountsd_server', oid, 'select, insert, update, references')) $$,
  'the server has no privilege on a table');
select is_empty(
  $$ select name from our_relations
    where case when relkind = 'S' then has_sequence_privilege('accountsd_server', oid, 'usage, select, update') end $$,
  'the server has no privilege on a sequence');
select schema_privs_are('api', 'accountsd_server', array['USAGE'], 'the server uses the schema api');
select schema_privs_are('internal', 'accountsd_server', '{}'::text[], 'the server does not use the schema internal');
select schema_privs_are('accounts', 'accountsd_server', '{}'::text[], 'the server does not use the schema accounts');

select is_empty(
  $$ select name from our_functions where schema = 'api'
    and not has_function_privilege('accountsd_dba', oid, 'execute') $$,
  'a DBA executes every api function');
select set_eq(
  $$ select name::text from our_relations where relkind in ('r', 'v')
    and not has_table_privilege('accountsd_dba', oid, 'select') $$,
  array['accounts.idempotency_key'], 'a DBA may read every table except idempotency_key');
select is_empty(
  $$ select name from our_relations where relkind in ('r', 'v')
    and has_table_privilege('accountsd_dba', oid, 'insert, update, delete, truncate, references, trigger') $$,
  'a DBA changes no table');
select is_empty(
  $$ select name from our_relations
    where case when relkind = 'S' then has_sequence_privilege('accountsd_dba', oid, 'usage, update') end $$,
  'a DBA moves no sequence');
select schema_privs_are('api', 'accountsd_dba', array['USAGE'], 'a DBA uses the schema api');
select schema_privs_are('internal', 'accountsd_dba', '{}'::text[], 'a DBA does not use the schema internal');
select schema_privs_are('accounts', 'accountsd_dba', array['USAGE'],
  'a DBA uses the schema accounts and creates nothing there');

select ok(not rolcanlogin, 'accountsd_owner cannot log in') from pg_roles where rolname = 'accountsd_owner';
select ok(rolcanlogin, 'accountsd_server can log in') from pg_roles where rolname = 'accountsd_server';
select ok(rolcanlogin, 'accountsd_delivery can log in') from pg_roles where rolname = 'accountsd_delivery';
select ok(not rolcanlogin, 'accountsd_consumer cannot log in: consumers do, as members') from pg_roles
  where rolname = 'accountsd_consumer';
select ok(not rolcanlogin, 'accountsd_dba cannot log in: people do, as members') from pg_roles
  where rolname = 'accountsd_dba';
select is_empty(
  $$ select rolname from pg_roles
    where rolname in (
      'accountsd_owner', 'accountsd_server', 'accountsd_dba', 'accountsd_delivery', 'accountsd_consumer')
      and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls) $$,
  'no role of ours has an attribute beyond logging in');
select is_empty(
  $$ select m.member::regrole, m.roleid::regrole from pg_auth_members as m
    where m.member in ('accountsd_owner'::regrole, 'accountsd_server'::regrole, 'accountsd_dba'::regrole,
      'accountsd_delivery'::regrole, 'accountsd_consumer'::regrole) $$,
  'no role of ours is a member of another');

-- The further columns of composite keys depend on the first one, so an index that begins with the first column serves
-- the whole key. The index may omit rows without a reference.
select is_empty(
  $$ select f.conrelid::regclass, f.conname from pg_constraint as f
    where f.contype = 'f' and f.connamespace = 'accounts'::regnamespace
      and not exists (
        select from pg_index as i
        join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = f.conrelid and i.indkey[0] = f.conkey[1] and i.indisvalid
          and coalesce(pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname), true)) $$,
  'an index supports every foreign key from the referencing side');
select is_empty(
  $$ select conname from pg_constraint
    where connamespace = 'accounts'::regnamespace and conrelid <> 0
      and not starts_with(conname, conrelid::regclass::text || '_')
      and not starts_with('accounts.' || conname, conrelid::regclass::text || '_') $$,
  'every constraint is named after its table');
select is_empty(
  $$ select i.indexrelid::regclass from pg_index as i
    join pg_class as t on t.oid = i.indrelid
    join pg_class as x on x.oid = i.indexrelid
    where t.relnamespace = 'accounts'::regnamespace and not starts_with(x.relname, t.relname || '_') $$,
  'every index is named after its table');
select is_empty(
  $$ select name from our_relations where relkind = 'r' and not exists (
      select from pg_constraint as k where k.conrelid = our_relations.oid and k.contype = 'p') $$,
  'every table has a primary key');
select is_empty(
  $$ select conname from pg_constraint where connamespace = 'accounts'::regnamespace and not convalidated $$,
  'every constraint has been validated');

-- The privileges in the catalogue are effective.
set local role accountsd_owner;
create function api.made_by_a_test() returns int language sql as 'select 1';
set local role accountsd_server;
select throws_ok('select api.made_by_a_test()', '42501', null, 'a new function is not executable until it is granted');
select throws_ok('select * from accounts.person', '42501', null, 'the server cannot read people');
select throws_ok('select * from accounts.api_token', '42501', null, 'the server cannot read tokens');
select throws_ok($$ select internal.caller_role() $$, '42501', null, 'the server cannot call an internal function');
select throws_ok($$ select api.create_account('{"type": "Client", "name": "Mine"}') $$, '42501', null,
  'the server cannot make an account');
set local role accountsd_dba;
select throws_ok('select internal.caller_role()', '42501', null, 'a DBA cannot call an internal function');
select throws_ok($$ update accounts.account set status = 'Disabled' $$, '42501', null,
  'a DBA cannot change a row by hand');
select throws_ok('delete from accounts.audit_record', '42501', null, 'a DBA cannot take back the audit');
reset role;
create role accountsd_test_stranger;
set local role accountsd_test_stranger;
select throws_ok('select api.schema_version()', '42501', null, 'a role that is not ours cannot call anything');
reset role;

select * from finish();
rollback;
