-- api.resend_account_user_invite and api.resend_user_invite.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(174);

\set operation resend_%s_invite
\set age '1 hour'
\set old_status Superseded
\set old_refusal 'A newer invitation has taken the place of this one.'
\set action account_user.invitation_resent
\ir lib/renewal.sql

-- Repeatedly.
update member as m
set answer = pg_temp.answer('accountsd_server', pg_temp.call('resend_%s_invite', m.kind,
  pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token')));
select is(
  pg_temp.invitation_statuses(m.invited), array['Superseded', 'Superseded', 'Open'],
  m.kind || ': sent a third time, one invitation is open still')
from member as m;
select is(pg_temp.mails(m.invited), 3::bigint, m.kind || ': and a third mail is queued') from member as m;

select count(pg_temp.let_pass('3 days', m.invited)) from member as m \gset ignored_
select pg_temp.contents() as before \gset
-- An invitation that expires at this moment.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('resend_%s_invite', m.kind,
    pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token'))),
  pg_temp.refusal(400, 'The invitation has expired: use send-new-invite.'),
  m.kind || ': an expired invitation is not sent again')
from member as m;
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call('resend_%s_invite', m.kind, pg_temp.target(m.kind, m.invited))),
  '/problems/invitation-expired', m.kind || ': the type of the problem says so')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and stays as it is');

select count(pg_temp.let_pass('-1 minute', m.invited)) from member as m \gset ignored_
update member as m
set answer = pg_temp.answer('accountsd_server', pg_temp.call('resend_%s_invite', m.kind,
  pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token')));
select is(m.answer #>> '{invitation,status}', 'Invited', m.kind || ': a minute before the expiry it is sent again')
from member as m;

\set age_when_due '0 hours'
\set case_when_due open
\ir lib/renewal_callers.sql

select * from finish();
rollback;
