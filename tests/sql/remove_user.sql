-- api.remove_account_user and api.remove_user.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(337);

create function pg_temp.removal(kind text, invited jsonb, token text default null)
returns text
language sql
as $$
  select pg_temp.call('remove_%s', kind, pg_temp.target(kind, invited), jsonb_build_object('token', token,
    'traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
$$;

-- Of each kind an invited membership, one whose invitation has expired and an active one; each person is also in the
-- vendor's account.
create temp table member as
select k.kind, s.status,
  pg_temp.invite(:'client_token', s.status || k.kind || '@example.com',
    pg_temp.ids(:'client_everyone', :'client_northern')) as invited,
  pg_temp.invite(:'vendor_token', s.status || k.kind || '@example.com', pg_temp.ids(:'vendor_sales')) as elsewhere,
  null::jsonb as again
from (values ('account_user'), ('user')) as k (kind)
cross join (values ('Invited'), ('InvitationExpired'), ('Active')) as s (status);
select count(pg_temp.accept(m.invited)) from member as m where m.status = 'Active' \gset ignored_
select count(pg_temp.let_pass('8 days', m.invited)) from member as m where m.status = 'InvitationExpired' \gset ignored_
select count(pg_temp.let_pass('1 hour', m.invited)) from member as m \gset ignored_
create temp table row_before as
select m.kind, m.status, to_jsonb(pg_temp.row_of(m.invited)) as content from member as m;
select pg_temp.contents() as before \gset

-- Removed.
select is(
  pg_temp.answer('accountsd_server', pg_temp.removal(m.kind, m.invited, :'client_token')), null,
  format('%s, %s: there is nothing to answer', m.kind, m.status))
from member as m;
select is(
  to_jsonb(pg_temp.row_of(m.invited)),
  b.content || jsonb_build_object('status', 'Removed', 'updated_at', now(),
    'updated_by', pg_temp.token_actor(:'client_token')),
  format('%s, %s: the row stays, removed, with who did it and when', m.kind, m.status))
from member as m
join row_before as b on b.kind = m.kind and b.status = m.status;
select is(
  (pg_temp.invitations(m.invited) -> 0) - 'code_sha256' - 'sent_at' - 'expires_at' - 'invited_by',
  case m.status
    when 'Active' then jsonb_build_object('status', 'Accepted', 'closed_at', now() - interval '1 hour')
    when 'Invited' then jsonb_build_object('status', 'Revoked', 'closed_at', now())
    else jsonb_build_object('status', 'Expired', 'closed_at', (pg_temp.invitations(m.invited) -> 0) -> 'expires_at')
  end, format('%s, %s: an open invitation is revoked, an accepted or expired one stays what it was', m.kind, m.status))
from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record('account_user.removed', pg_temp.token_actor(:'client_token'), 'accountsd_server', :'trace_id',
    m.invited),
  format('%s, %s: an audit record has the actor, the role and the trace id', m.kind, m.status))
from member as m;
select is(
  (select jsonb_object_agg(c.line, c.count) from (
    select line, count(*) from unnest(pg_temp.changed_tables(:'before')) as line group by line) as c),
  '{"+ account_user": 6, "- account_user": 6, "+ invitation": 4, "- invitation": 4, "+ audit_record": 6,
    "+ outbox": 6, "+ member_count": 1, "- member_count": 1}',
  'nothing else has changed: the persons, their other memberships and the history stay');
select is(
  array(select r.action from accounts.audit_record as r where r.object_id = m.invited ->> 'id' order by r.key),
  array['account_user.invited'] || case m.status when 'Active' then array['account_user.accepted'] else '{}' end
    || array['account_user.removed'],
  format('%s, %s: the audit has all of it', m.kind, m.status))
from member as m;
select is(
  pg_temp.answer('accountsd_server', pg_temp.call('get_%s', m.kind, pg_temp.target(m.kind, m.elsewhere),
    jsonb_build_object('token', :'vendor_token'))) #>> '{invitation,status}',
  'Invited', format('%s, %s: the person''s other membership is there', m.kind, m.status))
from member as m;

-- A removed membership is not found.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(s.role, pg_temp.call(o.name, m.kind, pg_temp.target(m.kind, m.invited) || o.more,
    o.parameters || jsonb_build_object('token', s.token))),
  :'is_missing', format('%s, %s: %s does not find it for %s', m.kind, m.status, format(o.name, m.kind), s.name))
from member as m
cross join served as s
cross join (values
  ('get_%s', '{}'::text[], '{}'::jsonb),
  ('remove_%s', '{}', '{}'),
  ('resend_%s_invite', '{}', '{}'),
  ('send_new_%s_invite', '{}', '{}'),
  ('add_%s_group', '{}', jsonb_build_object('request', jsonb_build_object('id', :'client_southern'))),
  ('replace_%s_groups', '{}', jsonb_build_object('request', pg_temp.ids(:'client_southern'))),
  ('take_%s_group', array[:'client_everyone'], '{}')
) as o (name, more, parameters);
select is(
  pg_temp.problem_of('accountsd_dba', pg_temp.call('replace_user', 'user', pg_temp.target('user', m.invited),
    jsonb_build_object('request', jsonb_build_object('groups', pg_temp.ids(:'client_southern'))))),
  :'is_missing', m.status || ': replace_user does not find it')
from member as m
where m.kind = 'user';
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- Invited again.
update member as m
set again = pg_temp.invite(:'client_token', m.status || m.kind || '@example.com', pg_temp.ids(:'client_southern'));
select is(
  jsonb_build_array(m.again -> 'id', m.again #> '{user,id}', m.again #> '{invitation,status}'),
  jsonb_build_array(m.invited -> 'id', m.invited #> '{user,id}', 'Invited'),
  format('%s, %s: invited again, membership and person have their ids back', m.kind, m.status))
from member as m;
select is(
  pg_temp.linked_groups(m.invited), array[:'client_southern'],
  format('%s, %s: the groups are those of the new invitation', m.kind, m.status))
from member as m;
select is(
  pg_temp.invitation_statuses(m.invited),
  array[case m.status when 'Active' then 'Accepted' when 'Invited' then 'Revoked' else 'Expired' end, 'Open'],
  format('%s, %s: the old invitation is kept as what became of it', m.kind, m.status))
from member as m;
select is(
  pg_temp.answer('accountsd_server', pg_temp.call('get_%s', m.kind, pg_temp.target(m.kind, m.invited),
    jsonb_build_object('token', :'client_token'))) #>> '{invitation,status}',
  'Invited', format('%s, %s: it is found again', m.kind, m.status))
from member as m;
select is(
  pg_temp.answer('accountsd_server', pg_temp.removal(m.kind, m.invited, :'client_token')), null,
  format('%s, %s: and may be removed again', m.kind, m.status))
from member as m;

-- Callers.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(t.role, pg_temp.call('remove_%s', t.kind, t.target, jsonb_build_object('token', t.token))),
  t.problem, t.name)
from turned_away as t;
select is(pg_temp.changes(:'before'), '{}'::text[], 'who is turned away changes nothing');
create temp table served_member as
select k.kind, s.*, pg_temp.invite(:'client_token', row_number() over () || '@example.net') as invited
from (values ('account_user'), ('user')) as k (kind)
cross join served as s;

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(*) from served_member as s
where pg_temp.answer(s.role, pg_temp.removal(s.kind, s.invited, s.token)) is null \gset ignored_
select
  jsonb_agg(jsonb_build_array((pg_temp.row_of(s.invited)).status, pg_temp.last_record(s.invited))
    order by s.name, s.kind) as removed,
  jsonb_agg(jsonb_build_array(
      'Removed', pg_temp.record('account_user.removed', s.actor, s.role, :'trace_id', s.invited))
    order by s.name, s.kind) as expected
from served_member as s \gset
rollback to savepoint before_the_call;
select is(
  :'removed'::jsonb, :'expected'::jsonb,
  'a token of the account, an Operations token and a DBA may, and are the actors');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and their rollback keeps nothing');
select is(
  pg_temp.accept(s.invited) #>> '{invitation,status}', 'Active',
  format('%s, %s: after a rollback the invitation is open', s.kind, s.name))
from served_member as s;

select * from finish();
rollback;
