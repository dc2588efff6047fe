-- api.send_new_account_user_invite and api.send_new_user_invite.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(166);

set local role accountsd_dba;
select api.configure('{"invitation.urlBase": "https://portal.example/i", "invitation.lifetime": "2 days"}')
  \gset ignored_
reset role;
create temp table member as
select k.kind,
  pg_temp.invite(:'client_token', k.kind || '@example.com', pg_temp.ids(:'client_everyone', :'client_northern'))
    as invited,
  null::jsonb as answer
from (values ('account_user'), ('user')) as k (kind);
select count(pg_temp.let_pass('49 hours', m.invited)) from member as m \gset ignored_
set local role accountsd_dba;
select api.configure('{"invitation.lifetime": "3 days"}') \gset ignored_
reset role;
select pg_temp.contents() as before \gset

-- An expired invitation.
update member as m
set answer = pg_temp.answer('accountsd_server', pg_temp.call('send_new_%s_invite', m.kind,
  pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token', 'traceparent', :'traceparent')));
select is(m.answer ->> 'id', pg_temp.shown_id(m.kind, m.invited), m.kind || ': the id is the one of the path')
from member as m;
select is(
  m.answer -> 'groups' || (m.answer -> 'account') || (m.answer -> 'buyers') || (m.answer -> 'modules'),
  m.invited -> 'groups' || (m.invited -> 'account') || (m.invited -> 'buyers') || (m.invited -> 'modules'),
  m.kind || ': account, groups, buyers and modules are as they were')
from member as m;
select is(
  m.answer -> 'invitation',
  jsonb_build_object('status', 'Invited', 'url',
    'https://portal.example/i/' || (m.invited ->> 'id') || '/' || pg_temp.code(m.answer)),
  m.kind || ': the invitation is open and its url is given')
from member as m;
select is(m.answer -> '$meta', '{"omitted": []}', m.kind || ': nothing is omitted') from member as m;
select ok(
  pg_temp.code(m.answer) ~ '^[A-Za-z0-9_-]{43}$' and pg_temp.code(m.answer) <> pg_temp.code(m.invited),
  m.kind || ': the code is a new one')
from member as m;
select is(
  m.answer -> 'audit',
  jsonb_build_object(
    'created', jsonb_build_object('at', internal.timestamp_text(now() - interval '49 hours'),
      'by', pg_temp.token_actor(:'client_token')),
    'updated', pg_temp.stamp(pg_temp.token_actor(:'client_token')),
    'invitationAcceptedAt', null, 'access', '{"at": null}'::jsonb, 'joined', '{"at": null}'::jsonb),
  m.kind || ': it was changed now by the token, and made when it was made')
from member as m;
select is(
  pg_temp.invitations(m.invited),
  jsonb_build_array(
    jsonb_build_object('status', 'Expired', 'code_sha256', sha256(convert_to(pg_temp.code(m.invited), 'UTF8')),
      'sent_at', now() - interval '49 hours', 'expires_at', now() + interval '2 days' - interval '49 hours',
      'closed_at', now() + interval '2 days' - interval '49 hours', 'invited_by', pg_temp.token_actor(:'client_token')),
    jsonb_build_object('status', 'Open', 'code_sha256', sha256(convert_to(pg_temp.code(m.answer), 'UTF8')),
      'sent_at', now(), 'expires_at', now() + interval '3 days',
      'closed_at', null, 'invited_by', pg_temp.token_actor(:'client_token'))),
  m.kind || ': the old invitation is kept as expired, and one is open with a new code and expiry')
from member as m;
select is(
  to_jsonb(pg_temp.row_of(m.invited)) - '{key,account_key,person_key,email,first_name,last_name,icon,phone_prefix,
    phone_number,culture_code,language_code,sort_name}'::text[],
  jsonb_build_object('status', 'Invited',
    'created_at', now() - interval '49 hours', 'created_by', pg_temp.token_actor(:'client_token'),
    'updated_at', now(), 'updated_by', pg_temp.token_actor(:'client_token'),
    'invitation_accepted_at', null, 'joined_at', null, 'access_at', null, 'last_login_at', null),
  m.kind || ': the membership says who changed it and when')
from member as m;
select is(pg_temp.mails(m.invited), 2::bigint, m.kind || ': a second mail is queued') from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record('account_user.invited_anew', pg_temp.token_actor(:'client_token'), 'accountsd_server',
    :'trace_id', m.invited),
  m.kind || ': an audit record has the actor, the role and the trace id')
from member as m;
select is(
  pg_temp.changed_tables(:'before'),
  array[
    '+ account_user', '+ account_user', '+ audit_record', '+ audit_record',
    '+ invitation', '+ invitation', '+ invitation', '+ invitation', '+ outbox', '+ outbox',
    '- account_user', '- account_user', '- invitation', '- invitation'],
  'nothing else has changed');
select is(pg_temp.tables_with(pg_temp.code(m.answer)), '{}'::text[], m.kind || ': the code is in no table')
from member as m;

-- The codes.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', m.kind, pg_temp.target(m.kind, m.invited),
    jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(m.invited))))),
  pg_temp.refusal(400, 'The invitation has expired.'), m.kind || ': the old code is dead')
from member as m;

select pg_temp.contents() as before \gset
-- An open one.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('send_new_%s_invite', m.kind,
    pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token'))),
  pg_temp.refusal(400, 'The invitation is still open: use resend-invite.'),
  m.kind || ': an open invitation is not replaced')
from member as m;
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call('send_new_%s_invite', m.kind, pg_temp.target(m.kind, m.invited))),
  '/problems/invitation-open', m.kind || ': the type of the problem says so')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and stays as it is');

select count(pg_temp.let_pass('71 hours 59 minutes', m.invited)) from member as m \gset ignored_
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call('send_new_%s_invite', m.kind, pg_temp.target(m.kind, m.invited))),
  '/problems/invitation-open', m.kind || ': a minute before the expiry it is open')
from member as m;
select count(pg_temp.let_pass('1 minute', m.invited)) from member as m \gset ignored_
update member as m
set answer = pg_temp.answer('accountsd_server', pg_temp.call('send_new_%s_invite', m.kind,
  pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token')));
select is(
  pg_temp.invitation_statuses(m.invited), array['Expired', 'Expired', 'Open'],
  m.kind || ': expired once more it is replaced once more, and one is open')
from member as m;

select count(pg_temp.accept(m.invited, pg_temp.code(m.answer))) from member as m \gset ignored_
select pg_temp.contents() as before \gset

-- An accepted one.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('send_new_%s_invite', m.kind,
    pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token'))),
  pg_temp.refusal(400, 'The invitation was accepted.'), m.kind || ': an active member is not invited once more')
from member as m;
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call('send_new_%s_invite', m.kind, pg_temp.target(m.kind, m.invited))),
  '/problems/invitation-accepted', m.kind || ': the type of the problem says so')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'nor is anything changed');

-- Who may.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(t.role, pg_temp.call('send_new_%s_invite', t.kind, t.target,
    jsonb_build_object('token', t.token))),
  t.problem, t.name)
from turned_away as t;
select is(pg_temp.changes(:'before'), '{}'::text[], 'who is turned away changes nothing');

create temp table renewed as
select m.kind, s.role, s.token, s.actor, s.name,
  pg_temp.invite(:'client_token', row_number() over () || '@example.net') as invited,
  null::jsonb as answer
from member as m
cross join served as s;
select count(pg_temp.let_pass('73 hours', r.invited)) from renewed as r \gset ignored_

update renewed as r
set answer = pg_temp.answer(r.role, pg_temp.call('send_new_%s_invite', r.kind, pg_temp.target(r.kind, r.invited),
  jsonb_build_object('token', r.token)));
select is(
  jsonb_build_array(r.answer #> '{audit,updated,by}', pg_temp.last_record(r.invited),
    pg_temp.invitations(r.invited) #> '{1,invited_by}'),
  jsonb_build_array(r.actor, pg_temp.record('account_user.invited_anew', r.actor, r.role, null, r.invited), r.actor),
  format('%s: %s may, and is the actor', r.kind, r.name))
from renewed as r;

-- A disabled account, whoever asks.
update accounts.account set status = 'Enabled' where key = internal.account_key(:'closed');
create temp table shut as
select k.kind, c.case_name, pg_temp.invite(:'closed_token', c.case_name || k.kind || '@example.org') as invited
from (values ('account_user'), ('user')) as k (kind)
cross join (values ('open'), ('expired'), ('accepted'), ('removed')) as c (case_name);
select count(pg_temp.accept(s.invited)) from shut as s where s.case_name = 'accepted' \gset ignored_
select count(pg_temp.answer('accountsd_dba', pg_temp.call('remove_%s', s.kind, pg_temp.target(s.kind, s.invited))))
from shut as s
where s.case_name = 'removed' \gset ignored_
select count(pg_temp.let_pass('8 days', s.invited)) from shut as s where s.case_name = 'expired' \gset ignored_
update accounts.account set status = 'Disabled' where key = internal.account_key(:'closed');
select pg_temp.contents() as before, pg_temp.refusal(409, 'The account is disabled.') as is_disabled \gset
select is(
  jsonb_build_array(
    pg_temp.problem_of(c.role, pg_temp.call('send_new_%s_invite', s.kind, pg_temp.target(s.kind, s.invited),
      jsonb_build_object('token', c.token))),
    pg_temp.problem_type(c.role, pg_temp.call('send_new_%s_invite', s.kind, pg_temp.target(s.kind, s.invited),
      jsonb_build_object('token', c.token)))),
  jsonb_build_array(e.problem, null),
  format('%s of a disabled account, %s: %s is refused', s.kind, s.case_name, c.name))
from shut as s
join (values
  ('open', :'is_disabled'::jsonb), ('expired', :'is_disabled'), ('accepted', :'is_disabled'), ('removed', :'is_missing')
) as e (case_name, problem) on e.case_name = s.case_name
cross join (values
  ('accountsd_server', :'operations_token', 'an Operations token'),
  ('accountsd_dba', :'operations_token', 'a DBA with one'),
  ('accountsd_dba', null, 'a DBA')
) as c (role, token, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');
update accounts.account set status = 'Active' where key = internal.account_key(:'closed');
select is(
  pg_temp.accept(s.invited) #>> '{invitation,status}', 'Active',
  s.kind || ': once the account is enabled, the code of before is accepted')
from shut as s
where s.case_name = 'open';
select is(
  pg_temp.answer('accountsd_server', pg_temp.call('send_new_%s_invite', s.kind, pg_temp.target(s.kind, s.invited),
    jsonb_build_object('token', :'operations_token'))) #>> '{invitation,status}',
  'Invited', s.kind || ': and an expired invitation is replaced')
from shut as s
where s.case_name = 'expired';

-- The caller's transaction.
select count(pg_temp.let_pass('73 hours', r.invited)) from renewed as r \gset ignored_
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(pg_temp.answer('accountsd_dba',
  pg_temp.call('send_new_%s_invite', r.kind, pg_temp.target(r.kind, r.invited))))
from renewed as r \gset called_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select is(:'called_count' || :'has_written', '8t', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing, no mail and no audit record');

select * from finish();
rollback;
