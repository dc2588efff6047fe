-- api.accept_account_user_invite and api.accept_user_invite.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(272);

-- Accepts as the server does, which has no token for it.
create function pg_temp.acceptance(kind text, invited jsonb, code text, traceparent text default null)
returns text
language sql
as $$
  select pg_temp.call('accept_%s_invite', kind, pg_temp.target(kind, invited),
    jsonb_build_object('request', jsonb_build_object('code', code), 'traceparent', traceparent))
$$;

create temp table member as
select k.kind,
  pg_temp.invite(:'client_token', k.kind || '@example.com', pg_temp.ids(:'client_everyone', :'client_northern'))
    as invited,
  null::jsonb as answer
from (values ('account_user'), ('user')) as k (kind);
select count(pg_temp.let_pass('1 hour', m.invited)) from member as m \gset ignored_
select pg_temp.contents() as before,
  pg_temp.refusal(400, 'The code is wrong.') as is_wrong,
  pg_temp.refusal(400, 'A newer invitation has taken the place of this one.') as is_superseded,
  pg_temp.refusal(400, 'The invitation was revoked.') as is_revoked,
  pg_temp.refusal(400, 'The invitation has expired.') as is_expired,
  pg_temp.refusal(400, 'The membership that this code led to has ended.') as is_over
\gset

-- Wrong codes, and valid codes at another membership.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(m.kind, m.invited, c.code)), :'is_wrong',
  m.kind || ': ' || c.name)
from member as m
cross join lateral (values
  ('nonsense', 'a wrong code is refused'),
  ('', 'so is an empty one'),
  (pg_temp.code(m.invited) || ' ', 'the code and a space'),
  (left(pg_temp.code(m.invited), -1), 'the code without its end'),
  (translate(pg_temp.code(m.invited), 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'), 'the code in other case'),
  (encode(sha256(convert_to(pg_temp.code(m.invited), 'UTF8')), 'hex'), 'the hash that is stored'),
  (m.invited #>> '{invitation,url}', 'the whole url'),
  (pg_temp.code(:'inside'), 'the code of another membership of the account'),
  (pg_temp.code(:'partner'), 'the code of a membership of another account'),
  (repeat('x', 1000), 'a code of 1,000 characters'),
  (e'\u00e9\U0001f511', 'a code that is not ASCII')
) as c (code, name);
select is(
  pg_temp.problem_of('accountsd_dba', pg_temp.acceptance(m.kind, m.invited, 'nonsense')), :'is_wrong',
  m.kind || ': a wrong code is refused for a DBA too')
from member as m;
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.acceptance(m.kind, m.invited, 'nonsense')), '/problems/wrong-code',
  m.kind || ': the type of the problem says so')
from member as m;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', n.kind, n.target,
    jsonb_build_object('request', jsonb_build_object('code', c.code)))),
  :'is_wrong', format('%s: by %s, %s is a wrong code', n.kind, n.name, c.name))
from nowhere as n
cross join (values
  (pg_temp.code(:'inside'), 'the code of a member'),
  ('nonsense', 'nonsense')
) as c (code, name)
where n.name <> 'a removed membership';
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.call('accept_%s_invite', n.kind, n.target,
    '{"request": {"code": "nonsense"}}')),
  '/problems/wrong-code', format('%s: the type is that of a wrong code by %s', n.kind, n.name))
from nowhere as n;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_user_invite', 'user',
    array[:'vendor', :'inside'::json #>> '{user,id}'], jsonb_build_object('request',
      jsonb_build_object('code', pg_temp.code(:'inside'))))),
  :'is_wrong', 'user: the right code under an account of which the person is no member is wrong');

-- Invalid requests.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', t.kind, t.target,
    jsonb_build_object('request', r.request))),
  pg_temp.invalid(r.errors), format('%s: %s, whether the membership is there or not', t.kind, r.name))
from (
  select m.kind, pg_temp.target(m.kind, m.invited) as target from member as m
  union all
  select n.kind, n.target from nowhere as n where n.name in ('an id that is nobody''s', 'neither account nor person')
) as t
cross join (values
  ('{}'::jsonb, '{"code": ["is required"]}'::jsonb, 'the code is required'),
  ('{"code": null}', '{"code": ["is required"]}', 'null is no code'),
  ('{"code": 7}', '{"code": ["is not a string"]}', 'the code is a string'),
  (jsonb_build_object('code', repeat('x', 1001)), '{"code": ["is longer than 1000 characters"]}',
    'the code has 1,000 characters at most'),
  ('{"code": ["x"], "id": "x"}', '{"code": ["is not a string"], "id": ["is not a known field"]}',
    'every mistake is reported at once'),
  ('[]', '{"$": ["is not an object"]}', 'the request is an object'),
  ('null', '{"$": ["is not an object"]}', 'the request is not null')
) as r (request, errors, name);
select is(
  pg_temp.problem_of('accountsd_server',
    format('select api.accept_account_user_invite(%L, null)', :'inside'::json ->> 'id')),
  pg_temp.invalid('{"$": ["is not an object"]}'), 'account_user: the request is not left out');
select is(pg_temp.changes(:'before'), '{}'::text[], 'nothing of this has changed anything');

-- The valid code.
update member as m
set answer = pg_temp.answer('accountsd_server',
  pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited), :'traceparent'));
create temp table person as
select m.kind, jsonb_build_object('id', m.invited #> '{user,id}', 'name', 'Ada Lovelace', 'icon', null) as actor
from member as m;
select is(m.answer ->> 'id', pg_temp.shown_id(m.kind, m.invited), m.kind || ': the id is the one of the path')
from member as m;
select is(m.answer -> 'invitation', '{"status": "Active"}', m.kind || ': the membership is active, and no url is given')
from member as m;
select is(m.answer -> '$meta', '{"omitted": ["invitation.url"]}', m.kind || ': the omission is told') from member as m;
select is(
  m.answer -> 'groups' || (m.answer -> 'account') || (m.answer -> 'buyers') || (m.answer -> 'modules'),
  m.invited -> 'groups' || (m.invited -> 'account') || (m.invited -> 'buyers') || (m.invited -> 'modules'),
  m.kind || ': account, groups, buyers and modules are as they were')
from member as m;
select is(
  m.answer -> 'audit',
  jsonb_build_object(
    'created', jsonb_build_object('at', internal.timestamp_text(now() - interval '1 hour'),
      'by', pg_temp.token_actor(:'client_token')),
    'updated', pg_temp.stamp(p.actor), 'invitationAcceptedAt', internal.timestamp_text(now()),
    'access', '{"at": null}'::jsonb, 'joined', jsonb_build_object('at', internal.timestamp_text(now()))),
  m.kind || ': it was accepted, joined and changed now, by the person')
from member as m
join person as p on p.kind = m.kind;
select is(
  to_jsonb(pg_temp.row_of(m.invited)) - '{key,account_key,person_key,email,first_name,last_name,icon,phone_prefix,
    phone_number,culture_code,language_code,sort_name}'::text[],
  jsonb_build_object('status', 'Active',
    'created_at', now() - interval '1 hour', 'created_by', pg_temp.token_actor(:'client_token'),
    'updated_at', now(), 'updated_by', p.actor,
    'invitation_accepted_at', now(), 'joined_at', now(), 'access_at', null, 'last_login_at', null),
  m.kind || ': the row says the same')
from member as m
join person as p on p.kind = m.kind;
select is(
  pg_temp.invitations(m.invited),
  jsonb_build_array(
    jsonb_build_object('status', 'Accepted', 'code_sha256', sha256(convert_to(pg_temp.code(m.invited), 'UTF8')),
      'sent_at', now() - interval '1 hour', 'expires_at', now() + interval '7 days' - interval '1 hour',
      'closed_at', now(), 'invited_by', pg_temp.token_actor(:'client_token'))),
  m.kind || ': the invitation is accepted, and when')
from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record('account_user.accepted', p.actor, 'accountsd_server', :'trace_id', m.invited),
  m.kind || ': an audit record has the person, the role and the trace id')
from member as m
join person as p on p.kind = m.kind;
select is(
  pg_temp.changed_tables(:'before'),
  array[
    '+ account_user', '+ account_user', '+ audit_record', '+ audit_record', '+ invitation', '+ invitation',
    '+ outbox', '+ outbox', '+ person', '+ person', '- account_user', '- account_user', '- invitation',
    '- invitation', '- person', '- person'],
  'nothing else has changed: each acceptance is one, makes a profile, and is an event');
select is(pg_temp.mails(m.invited), 1::bigint, m.kind || ': no other mail is queued') from member as m;

-- Repeated with the same code.
select pg_temp.contents() as before \gset
select is(
  pg_temp.answer(r.role, pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited))), m.answer,
  format('%s: the same code has the same answer for %s', m.kind, r.role))
from member as m
cross join (values ('accountsd_server'), ('accountsd_server'), ('accountsd_dba')) as r (role);
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(m.kind, m.invited, 'nonsense')), :'is_wrong',
  m.kind || ': a wrong code is wrong still')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');
select count(pg_temp.let_pass('30 days', m.invited)) from member as m \gset ignored_
select is(
  pg_temp.answer('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited)))
    #>> '{invitation,status}',
  'Active', m.kind || ': an accepted code does not expire')
from member as m;

-- Accepted, removed and invited again: the old code is no longer valid.
select pg_temp.answer('accountsd_dba', pg_temp.call('remove_%s', m.kind, pg_temp.target(m.kind, m.invited))) as nothing
from member as m \g /dev/null
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited))), :'is_over',
  m.kind || ': the code of a membership that has ended is refused')
from member as m;
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited))),
  '/problems/invitation-revoked', m.kind || ': the type of the problem says so')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');
update member as m set answer = pg_temp.invite(:'client_token', m.kind || '@example.com');
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited))), :'is_over',
  m.kind || ': invited again, the old code is refused')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');
select is(
  pg_temp.answer('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.answer)))
    #>> '{invitation,status}',
  'Active', m.kind || ': the new one is accepted')
from member as m;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(m.kind, m.invited, pg_temp.code(m.invited))), :'is_over',
  m.kind || ': and the old one is refused still')
from member as m;
select is(
  pg_temp.invitation_statuses(m.invited), array['Accepted', 'Accepted'], m.kind || ': both are kept as what they were')
from member as m;

-- Superseded, revoked, expired.
create temp table refused as
select k.kind, c.case_name, pg_temp.invite(:'client_token', c.case_name || k.kind || '@example.com') as invited,
  null::jsonb as answer
from (values ('account_user'), ('user')) as k (kind)
cross join (values
  ('resent'), ('invited-again'), ('superseded-late'), ('removed'), ('removed-late'), ('expired'), ('just-expired')
) as c (case_name);
select count(pg_temp.let_pass('8 days', r.invited)) from refused as r where r.case_name = 'removed-late' \gset ignored_
update refused as r
set answer = case
  when r.case_name like 'removed%' then pg_temp.answer('accountsd_dba',
    pg_temp.call('remove_%s', r.kind, pg_temp.target(r.kind, r.invited)))
  when r.case_name = 'invited-again' then pg_temp.invite(:'client_token', r.case_name || r.kind || '@example.com')
  when r.case_name in ('resent', 'superseded-late') then pg_temp.answer('accountsd_dba',
    pg_temp.call('resend_%s_invite', r.kind, pg_temp.target(r.kind, r.invited)))
end;
select count(pg_temp.let_pass('8 days', r.invited)) from refused as r
where r.case_name in ('superseded-late', 'expired') \gset ignored_
select count(pg_temp.let_pass('7 days', r.invited)) from refused as r where r.case_name = 'just-expired'
\gset ignored_
select pg_temp.contents() as before \gset
select is(
  jsonb_build_array(
    pg_temp.problem_of('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited))),
    pg_temp.problem_of('accountsd_dba', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited)))),
  jsonb_build_array(e.problem, e.problem), format('%s: %s', r.kind, e.name))
from refused as r
join (values
  ('resent', :'is_superseded'::jsonb, 'a code is dead once the invitation was sent again'),
  ('invited-again', :'is_superseded', 'and once the person was invited again'),
  ('superseded-late', :'is_superseded', 'superseded is what it was, though it would have expired since'),
  ('removed', :'is_revoked', 'removing revokes the invitation'),
  ('removed-late', :'is_expired', 'but one that had expired stays expired'),
  ('expired', :'is_expired', 'a code expires'),
  ('just-expired', :'is_expired', 'at the reported time')
) as e (case_name, problem, name) on e.case_name = r.case_name;
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited))), e.type,
  format('%s: %s has the type %s', r.kind, r.case_name, e.type))
from refused as r
join (values
  ('resent', '/problems/invitation-superseded'),
  ('invited-again', '/problems/invitation-superseded'),
  ('removed', '/problems/invitation-revoked'),
  ('expired', '/problems/invitation-expired')
) as e (case_name, type) on e.case_name = r.case_name;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(r.kind, r.invited, 'nonsense')), :'is_wrong',
  format('%s: a wrong code is wrong whatever became of the invitation (%s)', r.kind, r.case_name))
from refused as r;
select is(pg_temp.changes(:'before'), '{}'::text[], 'refused calls change nothing');
select is(
  pg_temp.answer('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.answer)))
    #>> '{invitation,status}',
  'Active', format('%s: the newer code is accepted (%s)', r.kind, r.case_name))
from refused as r
where r.case_name in ('resent', 'invited-again');
select count(pg_temp.let_pass('-1 minute', r.invited)) from refused as r where r.case_name = 'just-expired'
\gset ignored_
select is(
  pg_temp.answer('accountsd_dba', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited)))
    #>> '{invitation,status}',
  'Active', r.kind || ': a minute before the expiry a code is accepted')
from refused as r
where r.case_name = 'just-expired';
select is(
  (pg_temp.last_record(r.invited)) - 'at' - 'object_id' - 'account_key',
  jsonb_build_object('action', 'account_user.accepted', 'database_role', 'accountsd_dba', 'trace_id', null,
    'actor', jsonb_build_object('id', r.invited #> '{user,id}', 'name', 'Ada Lovelace', 'icon', null)),
  r.kind || ': accepted by a DBA, the actor is the person and the role is the DBA''s')
from refused as r
where r.case_name = 'just-expired';

-- Removed while open, and invited again: the state of each code is unchanged.
update refused as r
set answer = pg_temp.invite(:'client_token', r.case_name || r.kind || '@example.com')
where r.case_name = 'removed';
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited))), :'is_revoked',
  r.kind || ': a revoked code stays revoked when the person is invited again')
from refused as r
where r.case_name = 'removed';
select is(
  pg_temp.answer('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.answer)))
    #>> '{invitation,status}',
  'Active', r.kind || ': and the new one is accepted')
from refused as r
where r.case_name = 'removed';
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(r.kind, r.invited, pg_temp.code(r.invited))), :'is_revoked',
  r.kind || ': and the revoked one is revoked still')
from refused as r
where r.case_name = 'removed';

-- One person's invitations into two accounts are independent.
select pg_temp.answer('accountsd_dba', format('select api.create_account_user(%L)',
  pg_temp.invitation('inside@example.com', :'vendor', pg_temp.ids(:'vendor_sales')))) as elsewhere \gset
select pg_temp.accept(:'elsewhere') \gset ignored_
select is(
  array[(pg_temp.row_of(:'inside')).status::text, (pg_temp.row_of(:'elsewhere')).status::text],
  array['Invited', 'Active'], 'accepting one account leaves the other open');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(k.kind, :'inside', pg_temp.code(:'elsewhere'))),
  :'is_wrong', k.kind || ': the code of the one is wrong for the other')
from (values ('account_user'), ('user')) as k (kind);

-- A disabled account: an open invitation cannot be accepted until the account is enabled; all other codes get the
-- usual response.
update accounts.account set status = 'Enabled' where key = internal.account_key(:'closed');
create temp table shut as
select k.kind, c.case_name, pg_temp.invite(:'closed_token', c.case_name || k.kind || '@example.net') as invited,
  null::jsonb as answer
from (values ('account_user'), ('user')) as k (kind)
cross join (values
  ('open'), ('expiring'), ('resent'), ('expired'), ('removed'), ('accepted'), ('ended')
) as c (case_name);
update shut as s
set answer = case
  when s.case_name in ('accepted', 'ended') then pg_temp.answer('accountsd_server',
    pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited)))
  when s.case_name = 'resent' then pg_temp.answer('accountsd_dba',
    pg_temp.call('resend_%s_invite', s.kind, pg_temp.target(s.kind, s.invited)))
end;
select count(pg_temp.answer('accountsd_dba', pg_temp.call('remove_%s', s.kind, pg_temp.target(s.kind, s.invited))))
from shut as s
where s.case_name in ('removed', 'ended') \gset ignored_
select count(pg_temp.let_pass('8 days', s.invited)) from shut as s where s.case_name = 'expired' \gset ignored_
update accounts.account set status = 'Disabled' where key = internal.account_key(:'closed');
select pg_temp.contents() as before, pg_temp.refusal(409, 'The account is disabled.') as is_disabled \gset
select is(
  jsonb_build_array(
    pg_temp.problem_of('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited))),
    pg_temp.problem_of('accountsd_dba', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited)))),
  jsonb_build_array(e.problem, e.problem), format('%s of a disabled account: %s', s.kind, e.name))
from shut as s
join (values
  ('open', :'is_disabled'::jsonb, 'a right code is refused'),
  ('resent', :'is_superseded', 'a superseded one is that'),
  ('expired', :'is_expired', 'an expired one is that'),
  ('removed', :'is_revoked', 'a revoked one is that'),
  ('ended', :'is_over', 'and one whose membership has ended')
) as e (case_name, problem, name) on e.case_name = s.case_name;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.answer))),
  :'is_disabled', s.kind || ' of a disabled account: the newer code is refused')
from shut as s
where s.case_name = 'resent';
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited))), null,
  s.kind || ' of a disabled account: the problem has no type of its own')
from shut as s
where s.case_name = 'open';
select is(
  pg_temp.answer(r.role, pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited))) - 'account',
  s.answer - 'account', format('%s of a disabled account: said again, an accepted code has its answer (%s)',
    s.kind, r.role))
from shut as s
cross join (values ('accountsd_server'), ('accountsd_dba')) as r (role)
where s.case_name = 'accepted';
select is(
  jsonb_build_array(
    pg_temp.problem_of('accountsd_server', pg_temp.acceptance(s.kind, s.invited, c.code)),
    pg_temp.problem_type('accountsd_server', pg_temp.acceptance(s.kind, s.invited, c.code))),
  jsonb_build_array(:'is_wrong'::jsonb, '/problems/wrong-code'),
  format('%s of a disabled account: %s is a wrong code (%s)', s.kind, c.name, s.case_name))
from shut as s
cross join (values
  ('nonsense', 'nonsense'),
  (pg_temp.code(:'inside'), 'the code of another account')
) as c (code, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'nothing of this has changed anything');
select count(pg_temp.let_pass('8 days', s.invited)) from shut as s where s.case_name = 'expiring' \gset ignored_
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited))),
  :'is_expired', s.kind || ' of a disabled account: the time goes on')
from shut as s
where s.case_name = 'expiring';
update accounts.account set status = 'Active' where key = internal.account_key(:'closed');
select is(
  pg_temp.answer('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(c.answer)))
    #>> '{invitation,status}',
  'Active', format('%s: once the account is enabled, the code is accepted (%s)', s.kind, s.case_name))
from shut as s
cross join lateral (select coalesce(s.answer, s.invited)) as c (answer)
where s.case_name in ('open', 'resent');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.acceptance(s.kind, s.invited, pg_temp.code(s.invited))),
  :'is_expired', s.kind || ': but not one that has expired meanwhile')
from shut as s
where s.case_name = 'expiring';

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
select pg_temp.accept(:'inside') \gset ignored_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select ok(:'has_written', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing');
select is(
  pg_temp.accept(:'inside') #>> '{invitation,status}', 'Active', 'after a rollback the code is still valid');

select * from finish();
rollback;
