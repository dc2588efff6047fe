-- api.get_invitation.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(33);

create function pg_temp.show(id text, code text, role text default 'accountsd_server')
returns jsonb
language sql
as $$ select pg_temp.answer(role, format('select api.get_invitation(%L, %L)', id, code)) $$;

create temp table member as
select m.name, pg_temp.invite(:'client_token', m.name || '@example.com') as invited
from (values ('Open'), ('Accepted'), ('Expired'), ('Superseded'), ('Revoked'), ('Ended')) as m (name);
select count(pg_temp.accept(m.invited)) from member as m where m.name in ('Accepted', 'Ended') \gset ignored_
select pg_temp.let_pass('8 days', m.invited) from member as m where m.name = 'Expired' \gset ignored_
select count(pg_temp.answer('accountsd_dba', format('select api.%s(%L)', f.name, m.invited ->> 'id')))
from member as m
join (values ('Superseded', 'resend_account_user_invite'), ('Revoked', 'remove_account_user'),
  ('Ended', 'remove_account_user')) as f (state, name) on f.state = m.name \gset ignored_

select pg_temp.contents() as before \gset
select is(
  pg_temp.show(m.invited ->> 'id', pg_temp.code(m.invited), r.role),
  jsonb_build_object(
    'state', case m.name when 'Ended' then 'Revoked' else m.name end,
    'account', jsonb_build_object('id', :'client', 'name', 'Fixture Client'),
    'user', '{"name": "Ada Lovelace"}'::jsonb,
    'inviter', 'Client token',
    'expiresAt', internal.timestamp_text(
      now() + case m.name when 'Expired' then interval '-1 day' else interval '7 days' end)),
  format('%s: %s is shown what has become of it', m.name, r.role))
from member as m
cross join (values ('accountsd_server'), ('accountsd_dba')) as r (role);
select is(
  pg_temp.show(m.invited ->> 'id', c.code), '{"state": "Wrong"}', format('%s: %s is wrong', m.name, c.name))
from member as m
cross join lateral (values
  (pg_temp.code(m.invited) || 'x', 'a code that is longer'),
  (pg_temp.code(:'inside'), 'the code of another'),
  ('', 'an empty code')
) as c (code, name)
where m.name in ('Open', 'Accepted', 'Revoked');
select is(
  pg_temp.show(i.id, pg_temp.code(:'inside')), '{"state": "Wrong"}', 'so is an id that is nobody''s, or none')
from (values (:'no_account_user'), ('AUSR-1'), ('')) as i (id);
select is(
  pg_temp.show(:'late'::jsonb ->> 'id', pg_temp.code(:'late')) ->> 'state', 'Disabled',
  'an invitation into a disabled account is shown as that');
select is(
  pg_temp.show(:'late'::jsonb ->> 'id', pg_temp.code(:'late')) -> 'inviter', 'null',
  'a database role invites in nobody''s name');
select is(pg_temp.changes(:'before'), '{}'::text[], 'nothing of this has changed anything');

select is(
  pg_temp.problem_of('accountsd_server',
    format('select api.get_invitation(%L, %L)', :'inside'::jsonb ->> 'id', c.code)),
  pg_temp.invalid(c.errors), 'the code is checked as when accepting')
from (values
  (null, '{"code": ["is required"]}'::jsonb),
  (repeat('x', 1001), '{"code": ["is longer than 1000 characters"]}')
) as c (code, errors);

-- As the server calls it.
set local role accountsd_server;
select results_eq(
  format('select s.status, s.body ->> ''state'' from api.serve(%L) as s order by s.ordinal', (
    jsonb_build_array(
      jsonb_build_object('operation', 'get_invitation', 'kind', 'account_user',
        'accountUser', :'inside'::jsonb ->> 'id',
        'request', jsonb_build_object('code', substring(:'inside'::jsonb #>> '{invitation,url}' from '[^/]*$'))),
      jsonb_build_object('operation', 'get_invitation', 'kind', 'account_user',
        'accountUser', :'inside'::jsonb ->> 'id', 'request', '{"code": "x"}'::jsonb)))),
  $$ values (200, 'Open'), (200, 'Wrong') $$, 'the server asks for a set');
reset role;
select is(
  pg_temp.problem_of('accountsd_delivery', $$ select api.get_invitation('', '') $$) ->> 'sqlstate', '42501',
  'delivery does not ask');
select is(
  pg_temp.show(:'inside'::jsonb ->> 'id', pg_temp.code(:'inside')) ->> 'state', 'Open',
  'and one that has been read often is still open');
select is(
  pg_temp.accept(:'inside') #>> '{invitation,status}', 'Active', 'until it is accepted');

select * from finish();
rollback;
