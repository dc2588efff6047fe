-- api.get_account_user and api.get_user.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(146);

create function pg_temp.getting(kind text, invited jsonb, token text default null)
returns text
language sql
as $$
  select pg_temp.call('get_%s', kind, pg_temp.target(kind, invited), jsonb_build_object('token', token))
$$;

set local role accountsd_dba;
select api.create_account_user(
  jsonb_build_object(
    'user', '{"email": "Ada.Lovelace@Example.com", "firstName": "Ada", "lastName": "Lovelace",
      "phone": {"prefix": "+44", "number": "2071234567"},
      "settings": {"cultureCode": "en-GB", "languageCode": "en"}}'::jsonb,
    'account', jsonb_build_object('id', :'client'),
    'groups', pg_temp.ids(:'client_northern', :'client_everyone'))) as invited \gset
reset role;
create temp table kind as
select k.kind from (values ('account_user'), ('user')) as k (kind);
select pg_temp.contents() as before \gset

-- The shapes.
select pg_temp.answer('accountsd_server', pg_temp.getting('account_user', :'invited', :'client_token')) as account_user,
  pg_temp.answer('accountsd_server', pg_temp.getting('user', :'invited', :'client_token')) as of_person
\gset
select is(
  :'account_user'::jsonb,
  jsonb_set(:'invited'::jsonb #- '{invitation,url}', '{$meta,omitted}', '["invitation.url"]'),
  'account_user: the answer is that of the invitation, without the url, which it says');
select is(
  array(select k from jsonb_object_keys(:'of_person'::jsonb) as k
    where k not in ('icon', 'lastLoginAt')
    order by k collate "C"),
  array['$meta', 'account', 'audit', 'buyers', 'email', 'firstName', 'groups', 'id', 'invitation', 'lastName',
    'modules', 'name', 'phone', 'settings', 'status'],
  'user: the answer has the person''s fields beside those of the membership');
select is(
  :'of_person'::jsonb
    - array['account', 'groups', 'buyers', 'modules', 'invitation', 'audit', '$meta', 'icon', 'lastLoginAt'],
  jsonb_build_object('id', :'invited'::json #>> '{user,id}', 'email', 'Ada.Lovelace@Example.com', 'firstName', 'Ada',
    'lastName', 'Lovelace', 'name', 'Ada Lovelace', 'status', 'Invited',
    'phone', '{"prefix": "+44", "number": "2071234567"}'::jsonb,
    'settings', '{"cultureCode": "en-GB", "languageCode": "en"}'::jsonb),
  'user: the person is told, by the id of the person');
select is(
  :'of_person'::jsonb -> f.name, :'account_user'::jsonb -> f.name,
  format('user: %s is the same in both shapes', f.name))
from (values ('account'), ('groups'), ('buyers'), ('modules'), ('invitation'), ('audit'), ('$meta')) as f (name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- Members that depend on the current time.
select is(
  pg_temp.answer('accountsd_dba', pg_temp.getting(k.kind, :'invited')) -> 'invitation', '{"status": "Invited"}',
  k.kind || ': an open invitation is Invited, without its url')
from kind as k;
select pg_temp.let_pass('6 days 23 hours 59 minutes', :'invited') \gset ignored_
select is(
  pg_temp.answer('accountsd_dba', pg_temp.getting(k.kind, :'invited')) #>> '{invitation,status}', 'Invited',
  k.kind || ': it is so until a minute before its expiry')
from kind as k;
select pg_temp.let_pass('1 minute', :'invited') \gset ignored_
select is(
  pg_temp.answer('accountsd_dba', pg_temp.getting(k.kind, :'invited')) -> 'invitation',
  '{"status": "InvitationExpired"}', k.kind || ': then it is InvitationExpired, with no job that must have run')
from kind as k;
select is(
  pg_temp.answer('accountsd_dba', pg_temp.getting('user', :'invited')) ->> 'status', 'InvitationExpired',
  'user: the status of the person in the account says so too');
select pg_temp.let_pass('-1 hour', :'invited') \gset ignored_
select pg_temp.accept(:'invited') \gset ignored_
select is(
  jsonb_build_array(a.object -> 'invitation', a.object #> '{audit,invitationAcceptedAt}',
    a.object #> '{audit,joined,at}', a.object #> '{audit,updated,by,id}'),
  jsonb_build_array('{"status": "Active"}'::jsonb, internal.timestamp_text(now()), internal.timestamp_text(now()),
    :'invited'::jsonb #> '{user,id}'),
  k.kind || ': an accepted one is Active, and since when')
from kind as k
cross join lateral pg_temp.answer('accountsd_dba', pg_temp.getting(k.kind, :'invited')) as a (object);

-- Callers.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(t.role, pg_temp.call('get_%s', t.kind, t.target, jsonb_build_object('token', t.token))),
  t.problem, t.name)
from turned_away as t;
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call('get_%s', n.kind, n.target)), null,
  format('%s: there is no more to know by %s', n.kind, n.name))
from nowhere as n;
select is(
  pg_temp.answer(s.role, pg_temp.getting(k.kind, :'invited', s.token)) ->> 'id',
  pg_temp.shown_id(k.kind, :'invited'), format('%s: %s may', k.kind, s.name))
from kind as k
cross join served as s;
select is(
  pg_temp.answer('accountsd_server', pg_temp.getting(k.kind, :'partner', t.token)) ->> 'id',
  pg_temp.shown_id(k.kind, :'partner'), format('%s: %s sees a member of the vendor', k.kind, t.name))
from kind as k
cross join (values (:'vendor_token', 'the vendor''s token'), (:'operations_token', 'an Operations token'))
  as t (token, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'looking changes nothing');

-- One person, two accounts.
select pg_temp.answer('accountsd_dba', format('select api.create_account_user(%L)',
  pg_temp.invitation('ada.lovelace@example.com', :'vendor', pg_temp.ids(:'vendor_sales')))) as elsewhere \gset
select is(
  pg_temp.answer('accountsd_dba', pg_temp.getting('user', :'elsewhere')) -> f.name, :'elsewhere'::jsonb -> f.name,
  format('user: the same person has the %s of the account in the path', f.name))
from (values ('account'), ('groups'), ('buyers'), ('modules')) as f (name);
select is(
  jsonb_build_array(
    pg_temp.answer('accountsd_dba', pg_temp.getting('user', :'invited')) ->> 'status',
    pg_temp.answer('accountsd_dba', pg_temp.getting('user', :'elsewhere')) ->> 'status'),
  '["Active", "Invited"]', 'user: and the status in that account');

select * from finish();
rollback;
