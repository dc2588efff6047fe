-- api.add_account_user_group and api.add_user_group.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(282);

create function pg_temp.addition(kind text, invited jsonb, group_id text, token text default null)
returns text
language sql
as $$
  select pg_temp.call('add_%s_group', kind, pg_temp.target(kind, invited),
    jsonb_build_object('request', jsonb_build_object('id', group_id), 'token', token,
      'traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
$$;

create temp table member as
select k.kind, pg_temp.invite(:'client_token', k.kind || '@example.com', pg_temp.ids(:'client_northern')) as invited,
  null::jsonb as answer
from (values ('account_user'), ('user')) as k (kind);
select count(pg_temp.let_pass('1 hour', m.invited)) from member as m \gset ignored_
select pg_temp.contents() as before \gset

-- A second group.
update member as m
set answer = pg_temp.answer('accountsd_server',
  pg_temp.addition(m.kind, m.invited, :'client_southern', :'client_token'));
select is(m.answer ->> 'id', pg_temp.shown_id(m.kind, m.invited), m.kind || ': the id is the one of the path')
from member as m;
select is(
  pg_temp.group_ids(m.answer), pg_temp.sorted(:'client_northern', :'client_southern'),
  m.kind || ': the answer has both groups')
from member as m;
select is(
  pg_temp.linked_groups(m.invited), pg_temp.sorted(:'client_northern', :'client_southern'),
  m.kind || ': the links are both')
from member as m;
select is(
  array(select b ->> 'name' from jsonb_array_elements(m.answer -> 'buyers') as b), array['North', 'South'],
  m.kind || ': the buyers are those of both')
from member as m;
select is(
  array(select x -> 'name' || (x #> '{filters,group.buyers}') from jsonb_array_elements(m.answer -> 'modules') as x),
  array[
    jsonb_build_array('Fixture Orders', :'north', :'south'), jsonb_build_array('Fixture Billing', :'north')],
  m.kind || ': a module of both is there once, with the buyers of both')
from member as m;
select is(m.answer -> 'invitation', '{"status": "Invited"}', m.kind || ': the invitation is open, and no url is given')
from member as m;
select is(m.answer -> '$meta', '{"omitted": ["invitation.url"]}', m.kind || ': the omission is told') from member as m;
select is(
  m.answer -> 'audit',
  jsonb_build_object(
    'created', jsonb_build_object('at', internal.timestamp_text(now() - interval '1 hour'),
      'by', pg_temp.token_actor(:'client_token')),
    'updated', pg_temp.stamp(pg_temp.token_actor(:'client_token')),
    'invitationAcceptedAt', null, 'access', '{"at": null}'::jsonb, 'joined', '{"at": null}'::jsonb),
  m.kind || ': it was changed now by the token')
from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record('account_user.group_added', pg_temp.token_actor(:'client_token'), 'accountsd_server', :'trace_id',
    m.invited),
  m.kind || ': an audit record has the actor, the role and the trace id')
from member as m;
select is(
  pg_temp.changed_tables(:'before'),
  array[
    '+ account_user', '+ account_user', '+ account_user_group', '+ account_user_group', '+ audit_record',
    '+ audit_record', '+ outbox', '+ outbox', '- account_user', '- account_user'],
  'nothing else has changed');

-- A group that the membership already has.
select count(pg_temp.let_pass('1 hour', m.invited)) from member as m \gset ignored_
update member as m
set answer = pg_temp.answer('accountsd_dba', pg_temp.call('get_%s', m.kind, pg_temp.target(m.kind, m.invited)));
select pg_temp.contents() as before \gset
select is(
  pg_temp.answer(s.role, pg_temp.addition(m.kind, m.invited, g.id, s.token)), m.answer,
  format('%s: a group that is there already changes nothing for %s', m.kind, s.name))
from member as m
cross join served as s
cross join (values (:'client_northern'), (:'client_southern')) as g (id);
select is(pg_temp.changes(:'before'), '{}'::text[], 'no link, no time of change, no audit record');

-- A group with all buyers.
update member as m
set answer = pg_temp.answer('accountsd_server',
  pg_temp.addition(m.kind, m.invited, :'client_everyone', :'client_token'));
select is(
  array(select b ->> 'name' from jsonb_array_elements(m.answer -> 'buyers') as b), array['North', 'South'],
  m.kind || ': a group with all buyers adds each once')
from member as m;
set local role accountsd_dba;
select api.create_buyer(pg_temp.of_account(:'client', '{"name": "East"}')) ->> 'id' as east \gset
reset role;
select is(
  array(select b ->> 'name' from jsonb_array_elements(
    pg_temp.answer('accountsd_dba', pg_temp.addition(m.kind, m.invited, :'client_everyone')) -> 'buyers') as b),
  array['North', 'South', 'East'], m.kind || ': all buyers are those made later too, and none of another account')
from member as m;
select is(
  pg_temp.answer('accountsd_dba', pg_temp.call('get_%s', m.kind, pg_temp.target(m.kind, m.invited)))
    #> '{modules,0,filters,group.buyers}',
  jsonb_build_array(:'north', :'south', :'east'), m.kind || ': a module of that group is filtered by all of them')
from member as m;

-- Active members.
select count(pg_temp.accept(m.invited)) from member as m \gset ignored_
set local role accountsd_dba;
select api.create_user_group(pg_temp.of_account(:'client', '{"name": "Plain"}')) ->> 'id' as plain \gset
reset role;
select is(
  pg_temp.answer('accountsd_server', pg_temp.addition(m.kind, m.invited, :'plain', :'client_token'))
    #>> '{invitation,status}',
  'Active', m.kind || ': an active member gets a group and stays active')
from member as m;
select ok(:'plain' = any (pg_temp.linked_groups(m.invited)), m.kind || ': the link is there') from member as m;

-- Unknown groups, and invalid requests.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(s.role, pg_temp.addition(m.kind, m.invited, g.id, s.token)),
  pg_temp.invalid('{"id": ["is not a group of this account"]}'), format('%s: %s, for %s', m.kind, g.name, s.name))
from member as m
cross join served as s
cross join (values
  (:'no_group', 'a group that is nobody''s is refused'),
  (:'vendor_sales', 'a group of another account is the same mistake'),
  (:'operations_staff', 'and one of the Operations account')
) as g (id, name);
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('add_%s_group', m.kind, pg_temp.target(m.kind, m.invited),
    jsonb_build_object('request', r.request, 'token', :'client_token'))),
  pg_temp.invalid(r.errors), format('%s: %s', m.kind, r.name))
from member as m
cross join (values
  ('{}'::jsonb, '{"id": ["is required"]}'::jsonb, 'the id is required'),
  ('{"id": null}', '{"id": ["is required"]}', 'null is no id'),
  ('{"id": 7}', '{"id": ["is not a string"]}', 'the id is a string'),
  ('{"id": "UGR-1"}', '{"id": ["is not a user group id"]}', 'the id has the shape of a group''s'),
  (jsonb_build_object('id', :'client'), '{"id": ["is not a user group id"]}', 'an account is no group'),
  (jsonb_build_object('id', :'client_southern' || e'\n'), '{"id": ["is not a user group id"]}',
    'a line end is not of an id'),
  ('{"id": "x", "name": "Northern"}', '{"id": ["is not a user group id"], "name": ["is not a known field"]}',
    'every mistake is reported at once'),
  (pg_temp.ids(:'client_southern'), '{"$": ["is not an object"]}', 'the request is one object'),
  ('null', '{"$": ["is not an object"]}', 'the request is not null')
) as r (request, errors, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- Callers.
select is(
  pg_temp.problem_of(t.role, pg_temp.call('add_%s_group', t.kind, t.target,
    jsonb_build_object('request', jsonb_build_object('id', g.id), 'token', t.token))),
  t.problem, format('%s (%s)', t.name, g.name))
from turned_away as t
cross join (values (:'client_southern', 'with a group of the account'), (:'vendor_sales', 'with a group of another'))
  as g (id, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'who is turned away changes nothing');
create temp table served_member as
select m.kind, s.*, pg_temp.invite(:'client_token', row_number() over () || '@example.net') as invited
from member as m
cross join served as s;
select count(pg_temp.answer(s.role, pg_temp.addition(s.kind, s.invited, :'client_southern', s.token)))
from served_member as s \gset ignored_
select is(
  jsonb_build_array((pg_temp.row_of(s.invited)).updated_by, pg_temp.last_record(s.invited)),
  jsonb_build_array(s.actor, pg_temp.record('account_user.group_added', s.actor, s.role, :'trace_id', s.invited)),
  format('%s: %s may, and is the actor', s.kind, s.name))
from served_member as s;

-- A hundred groups, and no more.
set local role accountsd_dba;
select array_agg(
    api.create_user_group(pg_temp.of_account(:'client', jsonb_build_object('name', 'Group ' || n))) ->> 'id')
  as hundred
from generate_series(1, 100) as n \gset
reset role;
create temp table full_member as
select m.kind, pg_temp.invite(:'client_token', 'full-' || m.kind || '@example.com',
    pg_temp.ids(variadic (:'hundred'::text[])[1:99])) as invited
from member as m;
select is(
  jsonb_array_length(pg_temp.answer('accountsd_server',
    pg_temp.addition(f.kind, f.invited, (:'hundred'::text[])[100], :'client_token')) -> 'groups'),
  100, f.kind || ': a hundredth group is added')
from full_member as f;
select is(
  jsonb_array_length(pg_temp.answer('accountsd_server',
    pg_temp.addition(f.kind, f.invited, (:'hundred'::text[])[1], :'client_token')) -> 'groups'),
  100, f.kind || ': one of the hundred is no more')
from full_member as f;
select is(
  pg_temp.problem_of('accountsd_server',
    pg_temp.addition(f.kind, f.invited, :'client_northern', :'client_token')) ->> 'sqlstate',
  'PT400', f.kind || ': another is one too many')
from full_member as f;
select is(cardinality(pg_temp.linked_groups(f.invited)), 100, f.kind || ': and is not added') from full_member as f;

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(pg_temp.answer('accountsd_dba', pg_temp.addition(s.kind, s.invited, :'plain'))) from served_member as s
\gset ignored_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select ok(:'has_written', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing');

select * from finish();
rollback;
