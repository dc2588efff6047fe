-- api.announce_expiries: reminders, and events of invitations that have expired.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(23);

create function pg_temp.announce(max_count int default 1000)
returns jsonb
language sql
as $$ select pg_temp.answer('accountsd_delivery', format('select to_jsonb(api.announce_expiries(%s))', max_count)) $$;

-- Recipients of notices of one topic, in order.
create function pg_temp.noticed(topic text)
returns text[]
language sql
as $$
  select array(
    select split_part(u.email, '@', 1)
    from accounts.outbox as o
    join accounts.invitation as i on i.key = o.invitation_key
    join accounts.account_user as u on u.key = i.account_user_key
    where o.topic = noticed.topic
    order by o.key)
$$;

-- Lets time pass for the data and for the progress of notices.
create function pg_temp.pass(elapsed interval)
returns void
language sql
as $$
  update accounts.invitation set sent_at = sent_at - elapsed, expires_at = expires_at - elapsed;
  update accounts.expiry_notice set noticed_until = noticed_until - elapsed;
$$;

-- Ignore the invitations of the fixture.
update accounts.invitation set status = 'Revoked', closed_at = now() where status = 'Open';
update accounts.outbox set delivery = 'Sent', finished_at = now() where delivery = 'Queued';
delete from accounts.expiry_notice;
select pg_temp.invite(:'client_token', 'before@example.com') as before \gset

select pg_temp.pass('6 days') \gset ignored_
select is(pg_temp.announce(), '0', 'nothing is announced unless it is configured');
set local role accountsd_dba;
select is(
  api.configure('{"invitation.reminder": "2 days", "invitation.expiredEvent": true}')::jsonb
    - (array(select jsonb_object_keys(api.configure()::jsonb)
      except select unnest(array['invitation.reminder', 'invitation.expiredEvent']))),
  '{"invitation.reminder": "2 days", "invitation.expiredEvent": true}', 'both are switched on');
reset role;
select is(pg_temp.announce(), '0', 'what was due before is not announced');

select pg_temp.invite(:'client_token', 'first@example.com') as first \gset
select pg_temp.pass('1 hour') \gset ignored_
select pg_temp.invite(:'client_token', 'second@example.com') as second \gset
select pg_temp.invite(:'client_token', 'accepted@example.com') as accepted \gset
select pg_temp.accept(:'accepted') \gset ignored_
select is(pg_temp.announce(), '0', 'a new invitation needs no reminder');

select pg_temp.pass('4 days 23 hours 30 minutes') \gset ignored_
select is(pg_temp.announce(), '2', 'the one of before has expired, and one is reminded of, two days before it expires');
select is(pg_temp.noticed('invitation.expired'), array['before'], 'the event says so');
select is(pg_temp.noticed('invitation.reminder'), array['first'], 'and the reminder');
select is(pg_temp.announce(), '0', 'once');
select is(
  (select jsonb_agg(c.message #>> '{to,email}') from (
    select (jsonb_array_elements(pg_temp.answer('accountsd_delivery',
      $$ select jsonb_agg(c.message) from api.claim_deliveries(10, '1 minute') as c $$))) as message) as c
    where c.message ->> 'topic' = 'invitation.reminder'),
  '["first@example.com"]', 'a reminder is a mail');
select pg_temp.pass('1 hour') \gset ignored_
select is(pg_temp.announce(1), '1', 'the next one comes in its time');
select is(pg_temp.noticed('invitation.reminder'), array['first', 'second'], 'but none for the one who has accepted');

-- Many invitations, a few in each call.
select count(pg_temp.invite(:'client_token', 'many-' || i || '@example.com')) from generate_series(1, 10) as i
  \gset ignored_
select pg_temp.pass('5 days 1 hour') \gset ignored_
select is(
  array(select pg_temp.announce(4) from generate_series(1, 5)), array['6', '4', '2', '0', '0']::jsonb[],
  'no more are announced in a call than are wanted, and none is forgotten');
select is(cardinality(pg_temp.noticed('invitation.reminder')), 12, 'each has been reminded of once');

-- Switched off and on again.
set local role accountsd_dba;
select api.configure('{"invitation.reminder": "none", "invitation.expiredEvent": false}') \gset ignored_
reset role;
select pg_temp.pass('3 days') \gset ignored_
select is(pg_temp.announce(), '0', 'what is switched off is not announced');
set local role accountsd_dba;
select api.configure('{"invitation.expiredEvent": true}') \gset ignored_
reset role;
select is(pg_temp.announce(), '0', 'and what has expired before it is switched on is not');
select is(cardinality(pg_temp.noticed('invitation.expired')), 3, 'so three have expired, with events');

-- Closed before the expiry was noticed.
set local role accountsd_dba;
select api.configure('{"invitation.lifetime": "1 minute"}') \gset ignored_
reset role;
select pg_temp.invite(:'client_token', 'brief@example.com') as brief \gset
select pg_temp.let_pass('2 minutes', :'brief') \gset ignored_
select pg_temp.answer('accountsd_dba', format('select api.send_new_account_user_invite(%L)', :'brief'::jsonb ->> 'id'))
  \gset ignored_
select is(pg_temp.noticed('invitation.expired') @> array['brief'], true,
  'what has expired is told when it is replaced');
select pg_temp.announce() \gset ignored_
select is(
  (select count(*) from unnest(pg_temp.noticed('invitation.expired')) as n where n = 'brief'), 1::bigint, 'once');

-- A reminder with a lead too long for any invitation, shortened later.
savepoint before_lead;
set local role accountsd_dba;
select api.configure('{"invitation.reminder": "10 days", "invitation.lifetime": "7 days"}') \gset ignored_
reset role;
select pg_temp.invite(:'client_token', 'early@example.com') \gset ignored_
select is(pg_temp.announce(), '0', 'a lead longer than the lifetime sends no reminder');
set local role accountsd_dba;
select api.configure('{"invitation.reminder": "2 days"}') \gset ignored_
reset role;
select pg_temp.pass('5 days 10 minutes') \gset ignored_
select pg_temp.announce() \gset ignored_
select is(
  (pg_temp.noticed('invitation.reminder'))[13], 'early', 'with a shorter one who was invited before is reminded');
rollback to before_lead;

-- An invitation whose lifetime is shorter than the lead of its reminder.
set local role accountsd_dba;
select api.configure('{"invitation.reminder": "2 days", "invitation.lifetime": "1 day"}') \gset ignored_
reset role;
select pg_temp.invite(:'client_token', 'short@example.com') \gset ignored_
select is(pg_temp.announce(), '0', 'no reminder comes with the invitation itself');

select is(
  pg_temp.problem_of('accountsd_delivery', format('select api.announce_expiries(%s)', n)),
  pg_temp.refusal(400, 'max_count is not 1 to 10000.'), n || ' at a time are not to be had')
from unnest(array['0', '10001']) as n;

select * from finish();
rollback;
