-- Who may get a new code, in which states, and in whose transaction. Included after lib/renewal.sql; the test sets
--   age_when_due    the age of an invitation that the operation accepts
--   case_when_due   the state of an invitation that it accepts in a disabled account: open or expired
select count(pg_temp.accept(m.invited, pg_temp.code(m.answer))) from member as m \gset ignored_
select pg_temp.contents() as before \gset

-- An accepted invitation.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call(:'operation', m.kind,
    pg_temp.target(m.kind, m.invited), jsonb_build_object('token', :'client_token'))),
  pg_temp.refusal(400, 'The invitation was accepted.'), m.kind || ': an active member is not invited once more')
from member as m;
select is(
  pg_temp.problem_type('accountsd_dba', pg_temp.call(:'operation', m.kind, pg_temp.target(m.kind, m.invited))),
  '/problems/invitation-accepted', m.kind || ': the type of the problem says so')
from member as m;
select is(pg_temp.changes(:'before'), '{}'::text[], 'nor is anything changed');

-- Callers.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(t.role, pg_temp.call(:'operation', t.kind, t.target,
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
select count(pg_temp.let_pass(:'age_when_due', r.invited)) from renewed as r \gset ignored_

update renewed as r
set answer = pg_temp.answer(r.role, pg_temp.call(:'operation', r.kind, pg_temp.target(r.kind, r.invited),
  jsonb_build_object('token', r.token)));
select is(
  jsonb_build_array(r.answer #> '{audit,updated,by}', pg_temp.last_record(r.invited),
    pg_temp.invitations(r.invited) #> '{1,invited_by}'),
  jsonb_build_array(r.actor, pg_temp.record(:'action', r.actor, r.role, null, r.invited),
    r.actor),
  format('%s: %s may, and is the actor', r.kind, r.name))
from renewed as r;

-- A disabled account, for any caller.
update accounts.account set status = 'Enabled' where key = internal.account_key(:'closed');
create temp table shut as
select k.kind, c.case_name, pg_temp.invite(:'closed_token', c.case_name || k.kind || '@example.org') as invited
from (values ('account_user'), ('user')) as k (kind)
cross join (values ('open'), ('waiting'), ('expired'), ('accepted'), ('removed')) as c (case_name);
select count(pg_temp.accept(s.invited)) from shut as s where s.case_name = 'accepted' \gset ignored_
select count(pg_temp.answer('accountsd_dba', pg_temp.call('remove_%s', s.kind, pg_temp.target(s.kind, s.invited))))
from shut as s
where s.case_name = 'removed' \gset ignored_
select count(pg_temp.let_pass('8 days', s.invited)) from shut as s where s.case_name = 'expired' \gset ignored_
update accounts.account set status = 'Disabled' where key = internal.account_key(:'closed');
select pg_temp.contents() as before, pg_temp.refusal(409, 'The account is disabled.') as is_disabled \gset
select is(
  jsonb_build_array(
    pg_temp.problem_of(c.role, pg_temp.call(:'operation', s.kind, pg_temp.target(s.kind, s.invited),
      jsonb_build_object('token', c.token))),
    pg_temp.problem_type(c.role, pg_temp.call(:'operation', s.kind, pg_temp.target(s.kind, s.invited),
      jsonb_build_object('token', c.token)))),
  jsonb_build_array(e.problem, null),
  format('%s of a disabled account, %s: %s is refused', s.kind, s.case_name, c.name))
from shut as s
join (values
  ('open', :'is_disabled'::jsonb), ('waiting', :'is_disabled'), ('expired', :'is_disabled'),
  ('accepted', :'is_disabled'), ('removed', :'is_missing')
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
where s.case_name = 'waiting';
select is(
  pg_temp.answer('accountsd_server', pg_temp.call(:'operation', s.kind, pg_temp.target(s.kind, s.invited),
    jsonb_build_object('token', :'operations_token'))) #>> '{invitation,status}',
  'Invited', s.kind || ': and there is a new code')
from shut as s
where s.case_name = :'case_when_due';

-- The caller's transaction.
select count(pg_temp.let_pass(:'age_when_due', r.invited)) from renewed as r \gset ignored_
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(pg_temp.answer('accountsd_dba',
  pg_temp.call(:'operation', r.kind, pg_temp.target(r.kind, r.invited))))
from renewed as r \gset called_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select is(:'called_count' || :'has_written', '8t', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing, no mail and no audit record');
