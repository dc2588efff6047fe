-- A new code: the response and the rows, for an old invitation that is open (resend_*_invite) or has expired
-- (send_new_*_invite). The test sets
--   operation    the function's name, with %s for the kind of path
--   age          of the old invitation, which has a lifetime of 2 days
--   old_status   the status of the old invitation afterwards, and old_refusal, the refusal of its code
--   action       of the audit record
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
select count(pg_temp.let_pass(:'age', m.invited)) from member as m \gset ignored_
set local role accountsd_dba;
select api.configure('{"invitation.lifetime": "3 days"}') \gset ignored_
reset role;
select pg_temp.contents() as before \gset

update member as m
set answer = pg_temp.answer('accountsd_server', pg_temp.call(:'operation', m.kind,
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
    'created', jsonb_build_object('at', internal.timestamp_text(now() - :'age'::interval),
      'by', pg_temp.token_actor(:'client_token')),
    'updated', pg_temp.stamp(pg_temp.token_actor(:'client_token')),
    'invitationAcceptedAt', null, 'access', '{"at": null}'::jsonb, 'joined', '{"at": null}'::jsonb),
  m.kind || ': it was changed now by the token, and made when it was made')
from member as m;
select is(
  pg_temp.invitations(m.invited),
  jsonb_build_array(
    jsonb_build_object('status', :'old_status', 'code_sha256', sha256(convert_to(pg_temp.code(m.invited), 'UTF8')),
      'sent_at', now() - :'age'::interval, 'expires_at', now() + interval '2 days' - :'age'::interval,
      'closed_at', least(now(), now() + interval '2 days' - :'age'::interval),
      'invited_by', pg_temp.token_actor(:'client_token')),
    jsonb_build_object('status', 'Open', 'code_sha256', sha256(convert_to(pg_temp.code(m.answer), 'UTF8')),
      'sent_at', now(), 'expires_at', now() + interval '3 days',
      'closed_at', null, 'invited_by', pg_temp.token_actor(:'client_token'))),
  m.kind || ': the old invitation is kept, and one is open with a new code and expiry')
from member as m;
select is(
  to_jsonb(pg_temp.row_of(m.invited)) - '{key,account_key,person_key,email,first_name,last_name,icon,phone_prefix,
    phone_number,culture_code,language_code,sort_name}'::text[],
  jsonb_build_object('status', 'Invited',
    'created_at', now() - :'age'::interval, 'created_by', pg_temp.token_actor(:'client_token'),
    'updated_at', now(), 'updated_by', pg_temp.token_actor(:'client_token'),
    'invitation_accepted_at', null, 'joined_at', null, 'access_at', null, 'last_login_at', null),
  m.kind || ': the membership says who changed it and when')
from member as m;
select is(pg_temp.mails(m.invited), 2::bigint, m.kind || ': a second mail is queued') from member as m;
select is(
  pg_temp.last_record(m.invited),
  pg_temp.record(:'action', pg_temp.token_actor(:'client_token'), 'accountsd_server',
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
  pg_temp.refusal(400, :'old_refusal'), m.kind || ': the old code is dead')
from member as m;
