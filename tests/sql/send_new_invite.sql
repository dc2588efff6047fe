-- api.send_new_account_user_invite and api.send_new_user_invite.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(172);

\set operation send_new_%s_invite
\set age '49 hours'
\set old_status Expired
\set old_refusal 'The invitation has expired.'
\set action account_user.invited_anew
\ir lib/renewal.sql

select pg_temp.contents() as before \gset
-- An open invitation.
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

\set age_when_due '73 hours'
\set case_when_due expired
\ir lib/renewal_callers.sql

select * from finish();
rollback;
