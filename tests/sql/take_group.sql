-- api.take_account_user_group and api.take_user_group.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(280);

create function pg_temp.taking(kind text, invited jsonb, group_id text, token text default null)
returns text
language sql
as $$
  select pg_temp.call('take_%s_group', kind, pg_temp.target(kind, invited) || group_id,
    jsonb_build_object('token', token, 'traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
$$;

create temp table member as
select k.kind,
  pg_temp.invite(:'client_token', k.kind || '@example.com',
    pg_temp.ids(:'client_everyone', :'client_northern', :'client_southern')) as invited
from (values ('account_user'), ('user')) as k (kind);
select count(pg_temp.let_pass('1 hour', m.invited)) from member as m \gset ignored_
select pg_temp.contents() as before \gset

-- One of three groups.
select is(
  pg_temp.answer('accountsd_server', pg_temp.taking(m.kind, m.invited, :'client_everyone', :'client_token')), null,
  m.kind || ': there is nothing to answer')
from member as m;
select is(
  pg_temp.linked_groups(m.invited), pg_temp.sorted(:'client_northern', :'client_southern'),
  m.kind || ': the other groups stay')
from member as m;
select is(
  to_jsonb(pg_temp.row_of(m.invited)) -> 'updated_by' || (to_jsonb(pg_temp.row_of(m.invited)) -> 'updated_at')
    || (to_jsonb(pg_temp.row_of(m.invited)) -> 'created_at'),
  pg_temp.token_actor(:'client_token') || to_jsonb(now()) || to_jsonb(now() - interval '1 hour'),
  m.kind || ': it was changed now by the token')
from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record('account_user.group_taken', pg_temp.token_actor(:'client_token'), 'accountsd_server', :'trace_id',
    m.invited),
  m.kind || ': an audit record has the actor, the role and the trace id')
from member as m;
select is(
  pg_temp.changed_tables(:'before'),
  array[
    '+ account_user', '+ account_user', '+ audit_record', '+ audit_record', '+ outbox', '+ outbox',
    '- account_user', '- account_user', '- account_user_group', '- account_user_group'],
  'nothing else has changed');
create temp table shown as
select m.kind,
  pg_temp.answer('accountsd_dba', pg_temp.call('get_%s', m.kind, pg_temp.target(m.kind, m.invited))) as object
from member as m;
select is(
  array(select b ->> 'name' from jsonb_array_elements(s.object -> 'buyers') as b), array['North', 'South'],
  s.kind || ': the buyers are those of the groups that are left')
from shown as s;
select is(
  array(select x ->> 'name' from jsonb_array_elements(s.object -> 'modules') as x),
  array['Fixture Orders', 'Fixture Billing'], s.kind || ': so are the modules')
from shown as s;

-- Groups that the membership does not have.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(s.role, pg_temp.taking(m.kind, m.invited, g.id, s.token)), :'is_missing',
  format('%s: %s, for %s', m.kind, g.name, s.name))
from member as m
cross join served as s
cross join (values
  (:'client_everyone', 'a group that was taken already is not found'),
  (:'no_group', 'nor is a group that is nobody''s'),
  (:'vendor_sales', 'a group of another account'),
  ('UGR-1', 'an id that is too short'),
  (lower(:'client_northern'), 'an id in lower case'),
  (:'client', 'the id of something else'),
  ('', 'an empty id'),
  (null, 'no id')
) as g (id, name);
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.taking(k.kind, :'partner', :'vendor_sales', :'client_token')),
  :'is_missing', k.kind || ': nor is a group of a member of another account')
from (values ('account_user'), ('user')) as k (kind);
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- The last one.
select count(*) from member as m
where pg_temp.answer('accountsd_server', pg_temp.taking(m.kind, m.invited, :'client_southern', :'client_token')) is null
\gset ignored_
select is(pg_temp.linked_groups(m.invited), array[:'client_northern'], m.kind || ': one group is left')
from member as m;
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(s.role, pg_temp.taking(m.kind, m.invited, :'client_northern', s.token)),
  pg_temp.refusal(400, 'The last group cannot be taken away.'),
  format('%s: the last group stays, for %s', m.kind, s.name))
from member as m
cross join served as s;
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.taking(m.kind, m.invited, :'client_northern', :'client_token')),
  '/problems/last-group', m.kind || ': the type of the problem says so')
from member as m;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.taking(m.kind, m.invited, :'client_southern', :'client_token')),
  :'is_missing', m.kind || ': a group that is not there is not the last one')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- Callers.
select is(
  pg_temp.problem_of(t.role, pg_temp.call('take_%s_group', t.kind, t.target || g.id,
    jsonb_build_object('token', t.token))),
  t.problem, format('%s (%s)', t.name, g.name))
from turned_away as t
cross join (values (:'client_everyone', 'with a group of the account'), (:'vendor_sales', 'with a group of another'))
  as g (id, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'who is turned away changes nothing');
create temp table served_member as
select m.kind, s.*,
  pg_temp.invite(:'client_token', row_number() over () || '@example.net',
    pg_temp.ids(:'client_everyone', :'client_northern', :'client_southern')) as invited
from member as m
cross join served as s;
select count(pg_temp.accept(s.invited)) from served_member as s \gset ignored_
select count(*) from served_member as s
where pg_temp.answer(s.role, pg_temp.taking(s.kind, s.invited, :'client_southern', s.token)) is null \gset ignored_
select is(
  jsonb_build_array((pg_temp.row_of(s.invited)).updated_by, (pg_temp.row_of(s.invited)).status,
    pg_temp.last_record(s.invited)),
  jsonb_build_array(s.actor, 'Active',
    pg_temp.record('account_user.group_taken', s.actor, s.role, :'trace_id', s.invited)),
  format('%s: %s may take a group of an active member, and is the actor', s.kind, s.name))
from served_member as s;

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(*) from served_member as s
where pg_temp.answer('accountsd_dba', pg_temp.taking(s.kind, s.invited, :'client_northern')) is null \gset ignored_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select ok(:'has_written', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing');

select * from finish();
rollback;
