-- The outbox as a queue of mails: api.claim_deliveries, complete_deliveries, delivery_backlog, list_deliveries and
-- retry_delivery.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(93);

-- Claims as accountsd deliver does; returns the claimed mails, oldest first.
create function pg_temp.claim(max_count int default 10, lease interval default '5 minutes')
returns jsonb
language plpgsql
as $$
declare
  v_claims jsonb;
begin
  perform set_config('role', 'accountsd_delivery', true);
  select coalesce(jsonb_agg(to_jsonb(c) order by c.id), '[]') into v_claims
  from api.claim_deliveries(max_count, lease) as c;
  perform set_config('role', 'none', true);
  return v_claims;
end
$$;

-- The status after completing a claim; null if another attempt has claimed the mail since.
create function pg_temp.complete(claim jsonb, outcome text, reason text default null)
returns text
language plpgsql
as $$
declare
  v_status text;
begin
  perform set_config('role', 'accountsd_delivery', true);
  select c.status into v_status
  from api.complete_deliveries(jsonb_build_array(jsonb_build_object(
    'id', claim -> 'id', 'attempt', claim -> 'attempt', 'outcome', outcome, 'reason', reason))) as c
  where c.id = (claim ->> 'id')::bigint;
  perform set_config('role', 'none', true);
  return v_status;
end
$$;

create function pg_temp.entry(claim jsonb)
returns accounts.outbox
language sql
as $$ select o from accounts.outbox as o where o.key = (claim ->> 'id')::bigint $$;

create function pg_temp.make_due(claim jsonb)
returns void
language sql
as $$ update accounts.outbox as o set due_at = now() where o.key = (claim ->> 'id')::bigint $$;

create function pg_temp.code_of(claim jsonb)
returns text
language sql
as $$ select substring(claim #>> '{message,url}' from '[^/]*$') $$;

-- Ignore the mails of the fixture.
update accounts.outbox set delivery = 'Sent', finished_at = now() where delivery = 'Queued';
set local role accountsd_dba;
select api.configure('{"invitation.urlBase": "https://mail.example:8443/i"}') \gset ignored_
reset role;

-- A claim.
select pg_temp.answer('accountsd_server', format('select api.create_account_user(%L, %L)',
  jsonb_set(pg_temp.invitation('Claimed@Example.com'), '{user,settings}',
    '{"languageCode": "de-AT", "cultureCode": "de-CH"}'), :'client_token')) as invited \gset
select pg_temp.claim() as claims \gset
select :'claims'::jsonb -> 0 as claim \gset
select is(jsonb_array_length(:'claims'), 1, 'an invitation has one mail');
select is(:'claim'::jsonb - 'message' - 'id', '{"attempt": 1, "is_repeat": false}', 'it is the first attempt');
select is(
  (:'claim'::jsonb -> 'message') - 'messageId' - 'url',
  jsonb_build_object('topic', 'invitation.mail',
    'to', '{"email": "Claimed@Example.com", "name": "Ada Lovelace", "firstName": "Ada"}'::jsonb,
    'language', 'de-AT', 'culture', 'de-CH', 'account', 'Fixture Client', 'inviter', 'Client token',
    'expiresAt', internal.timestamp_text(now() + interval '7 days'), 'queuedAt', internal.timestamp_text(now())),
  'the message has the address as typed, the languages, the account, who invites and until when');
select matches(:'claim'::jsonb #>> '{message,messageId}', '^invitation\.[0-9]+\.[0-9]+@mail\.example$',
  'the Message-ID has the host of the invitation''s url');
select matches(
  :'claim'::jsonb #>> '{message,url}',
  '^https://mail\.example:8443/i/' || (:'invited'::jsonb ->> 'id') || '/[A-Za-z0-9_-]{43}$', 'the url has a code');
select isnt(pg_temp.code_of(:'claim'), pg_temp.code(:'invited'), 'which is another than the one that was answered');
select is(pg_temp.tables_with(pg_temp.code_of(:'claim')), '{}'::text[], 'and is kept nowhere');
select is(pg_temp.claim(), '[]', 'what is claimed is not claimed again');
select is(
  (pg_temp.entry(:'claim')).due_at - (pg_temp.entry(:'claim')).claimed_at, interval '5 minutes', 'for its lease');

-- Both codes are valid.
savepoint before_acceptance;
select is(
  pg_temp.accept(:'invited', pg_temp.code_of(:'claim')) #>> '{invitation,status}', 'Active',
  'the code of the mail accepts');
select is(
  pg_temp.accept(:'invited', pg_temp.code(:'invited')) #>> '{invitation,status}', 'Active',
  'and then the other has the same answer');
rollback to before_acceptance;
select is(
  pg_temp.accept(:'invited', pg_temp.code(:'invited')) #>> '{invitation,status}', 'Active',
  'the code of the answer accepts');
select is(
  pg_temp.accept(:'invited', pg_temp.code_of(:'claim')) #>> '{invitation,status}', 'Active',
  'and then the code of the mail has the same answer');
rollback to before_acceptance;

-- An expired lease.
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.claim() -> 0 as second \gset
select is(
  :'second'::jsonb - 'message', (:'claim'::jsonb - 'message') || '{"attempt": 2, "is_repeat": true}',
  'after its lease it is claimed again, as a repeat');
select is(
  :'second'::jsonb #> '{message,messageId}', :'claim'::jsonb #> '{message,messageId}', 'the Message-ID is the same');
select isnt(pg_temp.code_of(:'second'), pg_temp.code_of(:'claim'), 'the code is another');
select is((pg_temp.entry(:'claim')).unresolved_attempts, 1, 'the attempt with unknown outcome is counted');
savepoint before_acceptance;
select is(
  pg_temp.accept(:'invited', pg_temp.code_of(:'claim')) #>> '{invitation,status}', 'Active',
  'the code of the first mail, which may have been sent, is valid too');
rollback to before_acceptance;
select is(pg_temp.complete(:'claim', 'Failed', 'x'), null, 'the first attempt completes nothing any more');
select is(pg_temp.complete(:'claim', 'Refused', 'x'), null, 'neither as refused');
select is((pg_temp.entry(:'claim')).delivery, 'Queued', 'nothing has changed');
savepoint before_sent;
select is(pg_temp.complete(:'claim', 'Sent'), 'Sent', 'but what it has sent, is sent');
select is(pg_temp.complete(:'second', 'Failed', 'x'), null, 'and the second attempt completes nothing');
rollback to before_sent;

-- Failures.
select is(pg_temp.complete(:'second', 'Failed', '451 4.7.1 try later'), 'Queued', 'what failed is queued again');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).reason, (pg_temp.entry(:'claim')).claimed_at),
  '["451 4.7.1 try later", null]', 'with the reason');
select ok(
  (pg_temp.entry(:'claim')).due_at - statement_timestamp() between interval '55 seconds' and interval '2 minutes',
  'the second attempt is followed by a wait of one to two minutes');
select is(pg_temp.claim(), '[]', 'meanwhile it is not claimed');
select is(pg_temp.complete(:'second', 'Failed', 'x'), null, 'reported twice, it counts once');
select ok(
  (select bool_and(d.delay between w.most / 2 and w.most)
    and count(distinct d.delay) > 100
  from generate_series(1, 8) as a
  cross join lateral (select interval '1 minute' * power(2, a - 1) as most) as w
  cross join generate_series(1, 20) as i
  cross join lateral (select internal.retry_delay(a + 0 * i) as delay) as d),
  'the wait doubles with each attempt, and half of it is chance');
select ok(
  (select bool_and(d between interval '2 hours' and interval '4 hours')
  from generate_series(9, 100) as a cross join lateral internal.retry_delay(a) as d),
  'and has a bound');

-- Released.
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.claim() -> 0 as third \gset
select is(pg_temp.complete(:'third', 'Released'), 'Queued', 'what was not tried is queued again');
select is(pg_temp.claim() -> 0 ->> 'attempt', '4', 'and due at once');

-- Given up.
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.claim() -> 0 as fifth \gset
select pg_temp.contents() as before \gset
select is(pg_temp.complete(:'fifth', 'Refused', '550 5.1.1 no such user'), 'GivenUp', 'what is refused is given up');
select is(
  pg_temp.changed_tables(:'before'), array['+ outbox', '+ outbox', '- outbox'], 'and there is an event that says so');
select is(
  (select o.topic from accounts.outbox as o order by o.key desc limit 1), 'invitation.undeliverable',
  'that the mail could not be delivered');
select is(pg_temp.claim(), '[]', 'it is not claimed any more');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).reason, (pg_temp.entry(:'claim')).finished_at is not null),
  '["550 5.1.1 no such user", true]', 'the reason is kept');

-- Retried by a DBA.
set local role accountsd_dba;
select api.retry_delivery((:'claim'::jsonb ->> 'id')::bigint)::jsonb as retried \gset
reset role;
select is(
  :'retried'::jsonb - '{id,accountUser,account,user,queuedAt,dueAt}'::text[],
  '{"topic": "invitation.mail", "status": "Queued", "attempts": 0, "unresolvedAttempts": 2, "finishedAt": null,
    "reason": "550 5.1.1 no such user"}', 'a delivery that was given up has all its attempts again');
select is(
  pg_temp.last_record(:'invited'),
  pg_temp.record('delivery.retried', '{"name": "accountsd_dba"}', 'accountsd_dba', null, :'invited'),
  'the audit has who wanted it');
select pg_temp.claim() -> 0 as again \gset
select is(
  :'again'::jsonb - 'id' - 'message', '{"attempt": 6, "is_repeat": true}',
  'it is claimed, and that it may have been sent is not forgotten');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.retry_delivery(%s)', :'claim'::jsonb ->> 'id')),
  pg_temp.refusal(409, 'The mail is being sent.'), 'what is being sent is not retried');
select is(pg_temp.complete(:'again', 'Sent'), 'Sent', 'and is sent');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).reason, (pg_temp.entry(:'claim')).claimed_at), '[null, null]',
  'a reason from before is not kept');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.retry_delivery(%s)', :'claim'::jsonb ->> 'id')),
  pg_temp.refusal(409, 'The mail was sent.'), 'what was sent is not retried');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.retry_delivery(%s)', d.id)),
  pg_temp.refusal(404, 'There is no such delivery.'), 'what is no delivery is not retried')
from (values
  ('-1'), ('9223372036854775807'),
  ((select o.key::text from accounts.outbox as o where o.topic = 'invitation.undeliverable' limit 1))
) as d (id);
select is(
  pg_temp.problem_of('accountsd_server', 'select api.retry_delivery(1)') ->> 'sqlstate', '42501',
  'the server retries nothing');

-- A mail that was given up, and had been sent.
select pg_temp.invite(:'client_token', 'late@example.com') as late_mail \gset
select pg_temp.claim() -> 0 as claim \gset
select is(pg_temp.complete(:'claim', 'Unknown', 'no reply'), 'Queued', 'what may have been sent is tried again');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).unresolved_attempts, (pg_temp.entry(:'claim')).reason),
  '[1, "no reply"]', 'and that it may have been sent is recorded');
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.claim() -> 0 as second \gset
select is(:'second'::jsonb -> 'is_repeat', 'true', 'and is in the next claim');
select is(pg_temp.complete(:'second', 'Refused', 'gone'), 'GivenUp', 'that one is refused');
select is(pg_temp.complete(:'claim', 'Sent'), 'Sent', 'the word comes late that the first had been sent');
select is((pg_temp.entry(:'claim')).delivery, 'Sent', 'and counts');

-- The longest configurable delays, and a disabled account.
savepoint before_settings;
set local role accountsd_dba;
select api.configure('{"mail.retryInterval": "7 days", "mail.maxRetryInterval": "7 days"}') \gset ignored_
reset role;
select ok(
  (select bool_and(d between interval '84 hours' and interval '7 days')
  from generate_series(1, 100) as a cross join lateral internal.retry_delay(a) as d),
  'the longest wait is as long after any attempt');
select pg_temp.invite(:'client_token', 'long@example.com') \gset ignored_
update accounts.account set status = 'Disabled' where key = internal.account_key(:'client');
select is(pg_temp.claim(), '[]', 'and blocks nobody');
rollback to before_settings;

-- The last attempt.
update accounts.settings set mail_attempts = 2;
select pg_temp.invite(:'client_token', 'last@example.com') as last \gset
select pg_temp.claim() -> 0 as claim \gset
select is(pg_temp.complete(:'claim', 'Failed', 'one'), 'Queued', 'the last attempt but one');
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.claim() -> 0 as claim \gset
savepoint before_failure;
select is(pg_temp.complete(:'claim', 'Failed', 'two'), 'GivenUp', 'after the last attempt it is given up');
select is((pg_temp.entry(:'claim')).unresolved_attempts, 0, 'with no attempt that may have sent it');
rollback to before_failure;
select is(pg_temp.complete(:'claim', 'Unknown', 'two'), 'GivenUp', 'so it is if the last may have sent it');
select is((pg_temp.entry(:'claim')).unresolved_attempts, 1, 'which is counted');
rollback to before_failure;
select pg_temp.make_due(:'claim') \gset ignored_
select is(pg_temp.claim(), '[]', 'an unknown outcome of the last attempt is not retried');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).delivery, (pg_temp.entry(:'claim')).reason,
    (pg_temp.entry(:'claim')).unresolved_attempts),
  '["GivenUp", "The outcome of the last attempt is unknown.", 1]', 'but given up, and counted as unresolved');
savepoint before_retry;
select pg_temp.answer('accountsd_dba', format('select api.retry_delivery(%s)', :'claim'::jsonb ->> 'id')) \gset ignored_
select is(pg_temp.claim() -> 0 -> 'is_repeat', 'true', 'who has it tried again has a repeat');
rollback to before_retry;
select pg_temp.invite(:'client_token', 'released@example.com') as released \gset
select is(
  array(select pg_temp.complete(pg_temp.claim() -> 0, 'Released') from generate_series(1, 4)),
  array['Queued', 'Queued', 'Queued', 'Queued'], 'what is given back has lost no attempt');
update accounts.outbox set delivery = 'Sent', finished_at = now() where delivery = 'Queued';
update accounts.settings set mail_attempts = 15;

-- Mails that must no longer be sent.
create temp table closed as
select c.name, pg_temp.invite(:'client_token', c.name || '@example.com') as invited
from (values ('accepted'), ('revoked'), ('superseded'), ('expired')) as c (name);
select pg_temp.accept(c.invited) from closed as c where c.name = 'accepted' \gset ignored_
select count(pg_temp.answer('accountsd_dba', format('select api.%s(%L)', f.name, c.invited ->> 'id')))
from closed as c
join (values ('revoked', 'remove_account_user'), ('superseded', 'resend_account_user_invite')) as f (state, name)
  on f.state = c.name \gset ignored_
select pg_temp.let_pass('8 days', c.invited) from closed as c where c.name = 'expired' \gset ignored_
select pg_temp.claim() as claims \gset
select is(
  array(select c #>> '{message,to,email}' from jsonb_array_elements(:'claims') as c),
  array['superseded@example.com'], 'of four that were invited only the newest mail of the one still open is claimed');
select is(
  (select jsonb_object_agg(c.name, o.reason)
    from closed as c
    join accounts.invitation as i on i.account_user_key = internal.account_user_key(c.invited ->> 'id')
    join accounts.outbox as o on o.invitation_key = i.key and o.topic = 'invitation.mail'
    where o.delivery = 'Cancelled'),
  '{"accepted": "The invitation is accepted.", "revoked": "The invitation is revoked.",
    "superseded": "The invitation is superseded.", "expired": "The invitation has expired."}',
  'the others are cancelled, and say why');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.retry_delivery(%s)', o.key)),
  pg_temp.refusal(409, o.reason), 'and are not retried')
from closed as c
join accounts.invitation as i on i.account_user_key = internal.account_user_key(c.invited ->> 'id')
join accounts.outbox as o on o.invitation_key = i.key and o.delivery = 'Cancelled'
where c.name <> 'superseded';
select pg_temp.complete(:'claims'::jsonb -> 0, 'Sent') \gset ignored_

-- A mail whose outcome is unknown.
select pg_temp.invite(:'client_token', 'lost@example.com') as lost \gset
select pg_temp.claim() -> 0 as claim \gset
select pg_temp.make_due(:'claim') \gset ignored_
select pg_temp.accept(:'lost') \gset ignored_
select is(pg_temp.claim(), '[]', 'an attempt with unknown outcome, and the invitation is accepted');
select is(
  jsonb_build_array((pg_temp.entry(:'claim')).delivery, (pg_temp.entry(:'claim')).unresolved_attempts),
  '["Cancelled", 1]', 'the mail is cancelled, and the attempt is counted');

-- A disabled account.
select pg_temp.invite(:'client_token', 'waiting@example.com') as waiting \gset
update accounts.account set status = 'Disabled' where key = internal.account_key(:'client');
select is(pg_temp.claim(), '[]', 'no mail is sent for a disabled account');
update accounts.account set status = 'Active' where key = internal.account_key(:'client');
select is(pg_temp.claim(), '[]', 'it waits for its next time');
update accounts.outbox set due_at = now() where delivery = 'Queued' and reason = 'The account is disabled.';
select is(
  jsonb_build_array(c #> '{0,attempt}', c #> '{0,message,to,email}'), '[1, "waiting@example.com"]',
  'and is sent when the account is enabled, without losing an attempt')
from pg_temp.claim() as c;

-- The bound of a claim.
select count(pg_temp.invite(:'client_token', 'one-of-' || i || '@example.com')) from generate_series(1, 5) as i
  \gset ignored_
set local role accountsd_delivery;
select is(
  (select jsonb_build_object('queued', b.queued, 'due', b.due, 'is_waiting', b.oldest_due_seconds > 0)
    from api.delivery_backlog() as b),
  '{"queued": 6, "due": 5, "is_waiting": true}', 'the backlog counts queued and due mails');
reset role;
select is(jsonb_array_length(pg_temp.claim(2)), 2, 'no more are claimed than are wanted');
select is(jsonb_array_length(pg_temp.claim()), 3, 'the rest is left for others');
set local role accountsd_delivery;
select is(
  (select jsonb_build_array(b.queued, b.due, b.oldest_due_seconds) from api.delivery_backlog() as b),
  '[6, 0, 0]', 'what is claimed is not due');
reset role;
select is(
  pg_temp.problem_of('accountsd_delivery', format('select api.claim_deliveries(%s, %L)', c.count, c.lease)),
  pg_temp.refusal(400, 'max_count is not 1 to 1000, or lease not 1 second to 1 day.'),
  format('%s for %s are not to be had', c.count, c.lease))
from (values ('0', '1 minute'), ('1001', '1 minute'), ('null', '1 minute'), ('1', '0'), ('1', '2 days'))
  as c (count, lease);
select is(
  pg_temp.problem_of('accountsd_delivery', format('select api.complete_deliveries(%L)', r.results)),
  pg_temp.invalid(r.errors), 'results are validated')
from (values
  ('[{"id": 1, "attempt": 0, "outcome": "Gone", "reason": 5, "at": 1}]'::jsonb,
    '{"[0].attempt": ["is not a positive integer"],
      "[0].outcome": ["is not Sent, Failed, Unknown, Refused or Released"], "[0].reason": ["is not a string"],
      "[0].at": ["is not a known field"]}'::jsonb),
  ('[]', '{"$": ["is empty"]}'),
  ('[{"id": 1.5}]', '{"[0].id": ["is not a positive integer"], "[0].attempt": ["is required"],
    "[0].outcome": ["is required"]}')
) as r (results, errors);

-- The list.
set local role accountsd_dba;
select api.list_deliveries(account_user_id => :'invited'::jsonb ->> 'id')::jsonb as listed \gset
select is(
  (:'listed'::jsonb #> '{data,0}') - '{id,queuedAt,finishedAt}'::text[],
  jsonb_build_object('topic', 'invitation.mail', 'status', 'Sent', 'attempts', 1, 'unresolvedAttempts', 2,
    'reason', null, 'dueAt', null,
    'accountUser', jsonb_build_object('id', :'invited'::jsonb ->> 'id'),
    'account', jsonb_build_object('id', :'client', 'name', 'Fixture Client'),
    'user', jsonb_build_object('id', :'invited'::jsonb #>> '{user,id}', 'name', 'Ada Lovelace',
      'email', 'Claimed@Example.com')),
  'a member''s deliveries are listed');
select is(
  :'listed'::jsonb -> '$meta', '{"pagination": {"offset": 0, "limit": 100, "total": 1}}', 'the meta is that of lists');
select is(
  (select array_agg(distinct d ->> 'status') from jsonb_array_elements(
    api.list_deliveries(status => 'Cancelled')::jsonb -> 'data') as d),
  array['Cancelled'], 'they are filtered by status');
select is(
  api.list_deliveries(row_limit => 2, row_offset => 1)::jsonb #> '{data,0,id}',
  api.list_deliveries()::jsonb #> '{data,1,id}', 'and paged, newest first');
select is(
  pg_temp.problem_of('accountsd_dba',
    $$ select api.list_deliveries('Lost', 'AUSR-1', 1001, -1) $$),
  pg_temp.invalid('{"status": ["is not Queued, Sent, GivenUp or Cancelled"],
    "account_user_id": ["is not an account user id"], "row_limit": ["is not 0 to 1000"],
    "row_offset": ["is not 0 or more"]}'), 'every mistake is reported at once');
reset role;

-- Disabled kinds of scans have a high estimated cost, which would trigger JIT compilation: a second for each
-- statement.
select is_empty(
  $$ select p.oid::regprocedure from pg_proc as p
    where p.pronamespace = 'api'::regnamespace and 'enable_seqscan=off' = any (p.proconfig)
      and 'jit=off' <> all (p.proconfig) $$,
  'functions that disable scans disable JIT compilation');

select * from finish();
rollback;
