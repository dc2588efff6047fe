begin;
\ir lib/fixture.sql
select plan(65);

-- A request of a set.
create function pg_temp.entry(request jsonb, token text default null, traceparent text default null)
returns jsonb
language sql
as $$
  select jsonb_build_object('request', request, 'token', token, 'traceparent', traceparent)
$$;

create function pg_temp.group_ids(body json)
returns text[]
language sql
as $$
  select array_agg(g ->> 'id') from json_array_elements(body -> 'groups') as g
$$;

set local role accountsd_dba;
select api.create_account('{"type": "Client", "status": "Disabled", "name": "Closed"}') ->> 'id' as closed \gset
select api.create_account_user(pg_temp.invitation('active@example.com', :'client')) ->> 'id' as active \gset
reset role;
update accounts.account_user set status = 'Active' where key = internal.account_user_key(:'active');
select internal.user_group_id(99999998) as no_group, pg_temp.contents() as before \gset

-- An empty set.
set local role accountsd_server;
select is_empty($$ select * from api.create_account_users('[]') $$, 'an empty set has no verdicts');
select is_empty('select * from api.create_account_users(null)', 'nor has null');
select isnt(
  pg_temp.problem(format('select * from api.create_account_users(%L)', s.value)), null, format('%s is no set', s.value))
from (values ('{}'), ('7'), ('"[]"')) as s (value);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- A set of all kinds of requests.
set local role accountsd_server;
create temp table verdict as
select row_number() over () as row_number, v.*
from api.create_account_users(jsonb_build_array(
  pg_temp.entry(pg_temp.invitation('one@example.com'), :'client_token',
    '00-11111111111111111111111111111111-00f067aa0ba902b7-01'),
  pg_temp.entry('{"user": {"email": "secret-of-two", "firstName": "T", "lastName": "T"}}', :'client_token',
    '00-22222222222222222222222222222222-00f067aa0ba902b7-01'),
  pg_temp.entry(pg_temp.invitation('three@example.com'), split_part(:'client_token', ':', 1) || ':' || repeat('0', 64)),
  pg_temp.entry(pg_temp.invitation('four@example.com', :'vendor'), :'client_token'),
  pg_temp.entry(pg_temp.invitation('five@example.com', groups => pg_temp.ids(:'client_everyone', :'no_group')),
    :'client_token'),
  pg_temp.entry(pg_temp.invitation('six@example.com', groups => pg_temp.ids(:'vendor_sales')), :'vendor_token',
    'nonsense'),
  pg_temp.entry(pg_temp.invitation('Active@example.com'), :'client_token'),
  7,
  pg_temp.entry(pg_temp.invitation('nine@example.com', :'closed'), :'operations_token'),
  pg_temp.entry(pg_temp.invitation('ten@example.com', :'client'), null),
  pg_temp.entry(pg_temp.invitation('eleven@example.com', :'client', pg_temp.ids(:'client_northern')),
    :'operations_token',
    '00-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-00f067aa0ba902b7-01'),
  pg_temp.entry(pg_temp.invitation('twelve@example.com'), :'vendor_token')
)) as v;
reset role;

select columns_are(
  'verdict', array['row_number', 'ordinal', 'status', 'id', 'body', 'detail', 'errors', 'type', 'is_replay',
    'is_rolled_back'],
  'a row has the status, and an id and body or a detail and errors');
select is(
  (select array_agg(v.ordinal order by v.row_number) from verdict as v), array(select generate_series(1, 12)),
  'there is a row for each request, in order');
select is(v.status, t.status, format('request %s gets %s', v.ordinal, t.status))
from (values
  (1, 201), (2, 400), (3, 401), (4, 403), (5, 400), (6, 201), (7, 409), (8, 400), (9, 409), (10, 401),
  (11, 201), (12, 400)
) as t (ordinal, status)
left join verdict as v on v.ordinal = t.ordinal
order by t.ordinal;
select is(jsonb_build_array(v.detail, v.errors), t.problem, format('request %s is told its own mistakes', v.ordinal))
from (values
  (2, '["The request is not valid.", {"user.email": ["is not an email address"]}]'::jsonb),
  (3, '["A valid API token is required.", null]'),
  (4, '["The caller may not act on this account.", null]'),
  (5, '["The request is not valid.", {"groups[1].id": ["is not a group of this account"]}]'),
  (7, '["The person is an active user of the account already.", null]'),
  (8, '["The request is not valid.", {"$": ["is not an object"]}]'),
  (9, '["The account is disabled.", null]'),
  (10, '["A valid API token is required.", null]'),
  (12, '["The request is not valid.", {"groups": ["is required: the account has no default group"]}]')
) as t (ordinal, problem)
left join verdict as v on v.ordinal = t.ordinal
order by t.ordinal;
select is_empty(
  'select ordinal from verdict where status <> 201 and (id is not null or body is not null)',
  'a refused request has no body');
select is_empty(
  $$ select ordinal from verdict
    where status = 201 and (id is distinct from body ->> 'id' or detail is not null or errors is not null) $$,
  'an accepted request has its id and body and no detail');
select is(pg_temp.group_ids(v.body), t.groups, format('request %s gets its own groups', v.ordinal))
from (values (1, array[:'client_everyone']), (6, array[:'vendor_sales']),
  (11, array[:'client_northern'])) as t (ordinal, groups)
join verdict as v on v.ordinal = t.ordinal;
select is(
  (select jsonb_agg(jsonb_build_array(v.ordinal, r.trace_id, r.actor -> 'name', r.database_role, r.action)
    order by v.ordinal)
    from verdict as v
    join accounts.audit_record as r on r.object_id = v.id),
  '[[1, "11111111111111111111111111111111", "Client token", "accountsd_server", "account_user.invited"],
    [6, null, "Vendor token", "accountsd_server", "account_user.invited"],
    [11, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "Operations token", "accountsd_server", "account_user.invited"]]',
  'every accepted request has an audit record with its own token and trace id');
select is(
  (select array_agg(split_part(p.email_key, '@', 1) order by p.email_key) from accounts.person as p
    where p.email_key in ('one@example.com', 'two@example.com', 'three@example.com', 'four@example.com',
      'five@example.com', 'six@example.com', 'nine@example.com', 'ten@example.com', 'eleven@example.com',
      'twelve@example.com')),
  array['eleven', 'one', 'six'], 'people come of accepted requests only');
select is(
  (select jsonb_object_agg(t.name, t.count) from (
    select split_part(split_part(c, ' ', 2), '.', 2) as name, count(*)
    from unnest(pg_temp.changes(:'before')) as c
    group by 1) as t),
  '{"person": 3, "account_user": 3, "account_user_group": 3, "invitation": 3, "outbox": 3, "audit_record": 3,
    "member_count": 3}',
  'nothing else is written');
select is_empty(
  $$ select v.ordinal from verdict as v
    left join accounts.invitation as i on i.account_user_key = internal.account_user_key(v.id)
      and i.code_sha256 = sha256(convert_to(pg_temp.code(v.body::jsonb), 'UTF8')) and i.status = 'Open'
    where v.status = 201 and i.key is null $$,
  'every code is that of its own membership');
select is(pg_temp.tables_with(pg_temp.code(v.body::jsonb)), '{}'::text[],
  format('the code of request %s is in no table', v.ordinal))
from verdict as v
where v.status = 201
order by v.ordinal;
set local role accountsd_server;
select api.create_account_user(pg_temp.invitation('single@example.com'), :'client_token') as single \gset
reset role;
select is(
  v.body::jsonb #- '{id}' #- '{user,id}' #- '{invitation,url}',
  :'single'::jsonb #- '{id}' #- '{user,id}' #- '{invitation,url}', 'a body is what the single call answers')
from verdict as v where v.ordinal = 1;

-- The same membership several times.
set local role accountsd_server;
create temp table repeated as
select v.*
from api.create_account_users(jsonb_build_array(
  pg_temp.entry(pg_temp.invitation('twin@example.com', groups => pg_temp.ids(:'no_group')), :'client_token'),
  pg_temp.entry(
    jsonb_set(pg_temp.invitation('Twin@example.com', groups => pg_temp.ids(:'client_northern')), '{user,firstName}',
      '"Eve"'),
    :'client_token', '00-11111111111111111111111111111111-00f067aa0ba902b7-01'),
  pg_temp.entry(pg_temp.invitation('other@example.com'), :'client_token'),
  pg_temp.entry(
    pg_temp.invitation('TWIN@example.com', :'client', pg_temp.ids(:'client_southern', :'client_northern')),
    :'operations_token', '00-22222222222222222222222222222222-00f067aa0ba902b7-01'),
  pg_temp.entry(pg_temp.invitation('active@example.com'), :'client_token'),
  pg_temp.entry(pg_temp.invitation('twin@example.com'), :'client_token',
    '00-33333333333333333333333333333333-00f067aa0ba902b7-01'),
  pg_temp.entry(pg_temp.invitation('active@example.com'), :'client_token')
)) as v;
reset role;
select is(
  (select array_agg(r.status order by r.ordinal) from repeated as r), array[400, 201, 201, 201, 409, 201, 409],
  'each of several requests for one member has its verdict');
select is((select count(distinct r.id) from repeated as r where r.ordinal in (2, 4, 6)), 1::bigint,
  'they are about one membership');
select isnt(
  (select r.id from repeated as r where r.ordinal = 3), (select r.id from repeated as r where r.ordinal = 2),
  'that of somebody else is another');
select is(pg_temp.group_ids(r.body), t.groups, t.name)
from (values
  (2, array[:'client_northern'], 'the first answer shows its own groups'),
  (4, array[:'client_northern', :'client_southern'], 'the second answer shows its own'),
  (6, array[:'client_everyone'], 'and the last')
) as t (ordinal, groups, name)
join repeated as r on r.ordinal = t.ordinal
order by t.ordinal;
select is(
  (select count(distinct pg_temp.code(r.body::jsonb)) from repeated as r where r.status = 201), 4::bigint,
  'every answer has a code of its own');
select is(
  (select array_agg(internal.user_group_id(l.user_group_key)) from accounts.account_user_group as l
    join repeated as r on l.account_user_key = internal.account_user_key(r.id)
    where r.ordinal = 6),
  array[:'client_everyone'], 'the groups of the last stay');
select is(
  (select jsonb_agg(jsonb_build_array(i.status, r.ordinal) order by i.key) from accounts.invitation as i
    join repeated as r on i.account_user_key = internal.account_user_key(r.id)
      and i.code_sha256 = sha256(convert_to(pg_temp.code(r.body::jsonb), 'UTF8'))
    where r.ordinal in (2, 4, 6)),
  '[["Superseded", 2], ["Superseded", 4], ["Open", 6]]', 'the code of the last is open, those before are dead');
select is(
  (select jsonb_agg(jsonb_build_array(a.action, a.actor -> 'name', left(a.trace_id, 1)) order by a.key)
    from accounts.audit_record as a
    where a.object_id = (select r.id from repeated as r where r.ordinal = 2)),
  '[["account_user.invited", "Client token", "1"], ["account_user.invited_again", "Operations token", "2"],
    ["account_user.invited_again", "Client token", "3"]]',
  'the audit has the first as an invitation and the others as re-invites, in order');
select is(
  (select array_agg(distinct r.body #>> '{user,name}') from repeated as r where r.ordinal in (2, 4, 6)),
  array['Ada Lovelace', 'Eve Lovelace'], 'each answer has the name that its request gave');
select is(
  (select jsonb_agg(r.body #> '{audit,updated,by,name}' order by r.ordinal) from repeated as r
    where r.ordinal in (2, 4, 6)),
  '["Client token", "Operations token", "Client token"]', 'each answer says who asked');

-- One new person for two accounts.
set local role accountsd_server;
create temp table shared as
select v.*
from api.create_account_users(jsonb_build_array(
  pg_temp.entry(jsonb_set(pg_temp.invitation('both@example.com', groups => pg_temp.ids(:'vendor_sales')),
    '{user,firstName}', '"First"'), :'vendor_token'),
  pg_temp.entry(jsonb_set(pg_temp.invitation('BOTH@example.com'), '{user,firstName}', '"Second"'), :'client_token')
)) as v;
reset role;
select is((select array_agg(s.status order by s.ordinal) from shared as s), array[201, 201],
  'a person may be invited into two accounts at once');
select is((select count(distinct s.body #>> '{user,id}') from shared as s), 1::bigint, 'it is one person');
select is((select array_agg(distinct s.body #>> '{user,name}') from shared as s), array['First Lovelace',
    'Second Lovelace'], 'and each inviter is shown the name that they gave');
select is(
  (select jsonb_agg(s.body #> '{account,id}' order by s.ordinal) from shared as s),
  jsonb_build_array(:'vendor', :'client'), 'with a membership of each account');

-- As a DBA.
set local role accountsd_dba;
create temp table by_dba as
select v.*
from api.create_account_users(jsonb_build_array(
  pg_temp.entry(pg_temp.invitation('dba1@example.com', :'client')),
  pg_temp.entry(pg_temp.invitation('dba2@example.com')),
  '{"request": {"user": {"email": "dba3@example.com", "firstName": "N", "lastName": "N"}}}'::jsonb,
  pg_temp.entry(pg_temp.invitation('dba4@example.com', :'client'), :'client_token')
)) as v;
reset role;
select is(
  (select jsonb_agg(jsonb_build_array(d.status, d.body #> '{audit,created,by,name}', d.errors) order by d.ordinal)
    from by_dba as d),
  '[[201, "accountsd_dba", null], [400, null, {"account.id": ["is required"]}],
    [400, null, {"account.id": ["is required"]}], [201, "Client token", null]]',
  'a DBA acts as the role, or as the token where there is one');

-- A large set.
set local role accountsd_server;
create temp table many as
select row_number() over () as row_number, v.*
from api.create_account_users((
  select jsonb_agg(pg_temp.entry(
      pg_temp.invitation(case n % 10 when 0 then 'not an address' else 'many' || n || '@example.com' end),
      case n % 2 when 0 then :'client_token' else :'operations_token' end) order by n)
  from generate_series(1, 200) as n)) as v;
reset role;
select is((select array_agg(m.ordinal order by m.row_number) from many as m), array(select generate_series(1, 200)),
  'a large set is answered in order');
select is_empty(
  'select ordinal, status from many where status <> case ordinal % 10 when 0 then 400 else 201 end',
  'each with its own verdict');
select is_empty(
  $$ select m.ordinal from many as m
    left join accounts.account_user as u on u.key = internal.account_user_key(m.id)
    left join accounts.person as p on p.key = u.person_key
    left join accounts.api_token as t on internal.api_token_id(t.key) = u.created_by ->> 'id'
      and t.account_key = u.account_key
    where m.status = 201 and (p.email_key is distinct from 'many' || m.ordinal || '@example.com' or t.key is null
      or m.body #>> '{account,id}' is distinct from internal.account_id(u.account_key)) $$,
  'each with its own person and account');

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
set local role accountsd_dba;
select count(*) from api.create_account_users(jsonb_build_array(
  pg_temp.entry(pg_temp.invitation('undone1@example.com', :'client')),
  pg_temp.entry(pg_temp.invitation('undone2@example.com', :'client')))) \gset undone_
reset role;
rollback to savepoint before_the_call;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a rollback keeps nothing of a set');

-- A role that may not act without a token may not act even if it may execute the function.
create role accountsd_test_stranger;
grant usage on schema api to accountsd_test_stranger;
grant execute on function api.create_account_users(jsonb) to accountsd_test_stranger;
set local role accountsd_test_stranger;
select is(
  (select v.status from api.create_account_users(jsonb_build_array(
    pg_temp.entry(pg_temp.invitation('stranger@example.com', :'client')))) as v),
  401, 'a role that is no DBA''s has to bring a token');
reset role;

-- In an account with many members, which the planner's statistics do not include.
insert into accounts.person (email_key)
select format('crowd%s@example.com', i) from generate_series(1, 3000) as i;
insert into accounts.account_user (account_key, person_key, email, first_name, last_name, created_by, updated_by)
select internal.account_key(:'client'), p.key, p.email_key, 'N', 'N', '{"name": "n"}', '{"name": "n"}'
from accounts.person as p where p.email_key like 'crowd%';
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, internal.user_group_key(:'client_everyone'), u.account_key
from accounts.account_user as u where u.created_by ->> 'name' = 'n';

create function pg_temp.rows_read(tables text[])
returns bigint
language sql
as $$
  select sum(coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0))::bigint
  from pg_stat_xact_user_tables as s where s.schemaname = 'accounts' and s.relname = any (tables)
$$;
create function pg_temp.rows_of_a_call(call text)
returns bigint
language plpgsql
as $$
declare
  c_tables constant text[] := '{person,account_user,account_user_group,invitation,audit_record,outbox}';
  v_before constant bigint := pg_temp.rows_read(c_tables);
begin
  execute call;
  return pg_temp.rows_read(c_tables) - v_before;
end
$$;
select cmp_ok(
  pg_temp.rows_of_a_call(format('select * from api.create_account_users(%L)', jsonb_build_array(
    pg_temp.entry(pg_temp.invitation('crowd77@example.com', :'client'), :'client_token'),
    pg_temp.entry(pg_temp.invitation('not-yet@example.com', :'client'), :'client_token')))),
  '<', 100::bigint, 'an invitation and a re-invite read few rows');

select * from finish();
rollback;
