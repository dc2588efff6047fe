-- Limits on invitations: what counts, the order of refusals, and that refused requests do not count. tests/http tests
-- that they are exact with concurrent requests.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(65);

create function pg_temp.limits(token text, account text, recipient text)
returns void
language plpgsql
as $$
begin
  perform pg_temp.answer('accountsd_dba', format('select api.configure(%L)', jsonb_build_object(
    'limit.token', token, 'limit.account', account, 'limit.recipient', recipient)));
  delete from accounts.invitation_use;
end
$$;

-- The counters, in whole invitations: {"recipient x@example.com": 2}.
create function pg_temp.counts()
returns jsonb
language sql
as $$
  select coalesce(jsonb_object_agg(u.kind || ' ' || u.subject, round(u.used)), '{}')
  from accounts.invitation_use as u where u.used > 0.5
$$;

-- Lets time pass for the counters.
create function pg_temp.let_counters_pass(elapsed interval)
returns void
language sql
as $$
  update accounts.invitation_use as u set counted_at = u.counted_at - elapsed, empty_at = u.empty_at - elapsed
$$;

create function pg_temp.create_call(email text, token text, more jsonb default '{}')
returns text
language sql
as $$
  select pg_temp.call('create_account_user', null, '{}',
    jsonb_build_object('request', pg_temp.invitation(email), 'token', token) || more)
$$;

-- The status of a call, with the seconds in Retry-After.
create function pg_temp.outcome(role text, call text)
returns text
language sql
as $$
  select coalesce(
    nullif(concat_ws(' ', p.problem ->> 'sqlstate', p.problem #>> '{errors,Retry-After,0}'), ''), 'done')
  from (select pg_temp.problem_of(role, call) as problem) as p
$$;

-- The same for a set, called as the server does.
create function pg_temp.statuses(requests jsonb)
returns int[]
language plpgsql
as $$
declare
  v_statuses int[];
begin
  perform set_config('role', 'accountsd_server', true);
  select array_agg(v.status order by v.ordinal) into v_statuses from api.create_account_users(requests) as v;
  perform set_config('role', 'none', true);
  return v_statuses;
end
$$;

create function pg_temp.entry(email text, token text, account text default null)
returns jsonb
language sql
as $$
  select jsonb_build_object('request', pg_temp.invitation(email, account), 'token', token)
$$;

select is(
  (select array_agg(pg_temp.answer('accountsd_dba', 'select api.configure()') ->> n.name)
    from unnest(array['limit.token', 'limit.account', 'limit.recipient']) as n (name)),
  array['none', 'none', 'none'], 'there is no limit unless configured');

-- Without limits.
select pg_temp.invite(:'client_token', 'free@example.com') as free \gset
select is(
  pg_temp.outcome('accountsd_server', pg_temp.call('resend_account_user_invite', null, array[:'free'::json ->> 'id'],
    jsonb_build_object('token', :'client_token'))),
  'done', 'without limits an invitation is sent again');
select is_empty('select * from accounts.invitation_use', 'and nothing is counted');

-- What counts, for both kinds of path.
select pg_temp.limits('1000 per 1 day', '1000 per 1 day', '1000 per 1 day') \gset ignored_
create temp table counted as
select k.kind, o.name, o.function, null::jsonb as invited
from (values ('account_user'), ('user')) as k (kind)
cross join (values ('again', null), ('resend', 'resend_%s_invite'), ('send_new', 'send_new_%s_invite'))
  as o (name, function);
update counted as c set invited = pg_temp.invite(:'client_token', c.kind || c.name || '@example.com');
select is(
  pg_temp.counts(),
  (select jsonb_object_agg('recipient ' || lower(c.kind || c.name) || '@example.com', 1) from counted as c)
    || jsonb_build_object('token ' || split_part(:'client_token', ':', 1), 6, 'account ' || :'client', 6),
  'an invitation counts for its token, its account and its recipient');
select count(pg_temp.let_pass('8 days', c.invited)) from counted as c where c.name = 'send_new' \gset ignored_
delete from accounts.invitation_use;
select is(
  pg_temp.outcome('accountsd_server', case
    when c.name = 'again' and c.kind = 'user' then format('select api.create_user(%L, %L, %L)', :'client',
      pg_temp.invitation(upper(c.kind || c.name || '@example.com' collate "C")), :'client_token')
    when c.name = 'again' then pg_temp.create_call(
      upper(c.kind || c.name || '@example.com' collate "C"), :'client_token')
    else pg_temp.call(c.function, c.kind, pg_temp.target(c.kind, c.invited),
      jsonb_build_object('token', :'client_token')) end),
  'done', format('%s, %s: is done', c.name, c.kind))
from counted as c
order by c.kind, c.name;
select is(
  pg_temp.counts(),
  (select jsonb_object_agg('recipient ' || lower(c.kind || c.name) || '@example.com', 1) from counted as c)
    || jsonb_build_object('token ' || split_part(:'client_token', ':', 1), 6, 'account ' || :'client', 6),
  'and each counts once');

-- What does not count.
select pg_temp.accept(pg_temp.invite(:'client_token', 'active@example.com')) ->> 'id' as active \gset
delete from accounts.invitation_use;
select pg_temp.contents() as before \gset
savepoint before_refusals;
select isnt(pg_temp.outcome(r.role, r.call), 'done', format('%s is refused', r.name))
from (values
  ('accountsd_server', pg_temp.create_call('not an address', :'client_token'), 'a wrong address'),
  ('accountsd_server', pg_temp.create_call('x@example.com', 'TKN-0000-0000:00'), 'a wrong token'),
  ('accountsd_server', pg_temp.create_call('x@example.com', :'client_token',
    jsonb_build_object('request', pg_temp.invitation('x@example.com', :'vendor'))), 'another account'),
  ('accountsd_server', pg_temp.create_call('x@example.com', :'client_token',
    jsonb_build_object('request', pg_temp.invitation('x@example.com', null, pg_temp.ids(:'no_group')))),
    'an unknown group'),
  ('accountsd_server', pg_temp.create_call('Active@example.com', :'client_token'), 'an active person'),
  ('accountsd_server', pg_temp.create_call('x@example.com', :'operations_token',
    jsonb_build_object('request', pg_temp.invitation('x@example.com', :'closed'))), 'a disabled account'),
  ('accountsd_server', pg_temp.call('resend_account_user_invite', null, array[:'active'],
    jsonb_build_object('token', :'client_token')), 'an accepted invitation, sent again,'),
  ('accountsd_server', pg_temp.call('send_new_account_user_invite', null, array[:'free'::json ->> 'id'],
    jsonb_build_object('token', :'client_token')), 'an open invitation, sent anew,'),
  ('accountsd_server', pg_temp.call('resend_account_user_invite', null, array[:'no_account_user'],
    jsonb_build_object('token', :'client_token')), 'nobody')
) as r (role, call, name);
select is(pg_temp.counts(), '{}', 'and counts nothing');
select is(pg_temp.changes(:'before'), '{}'::text[], 'nor changes anything else');
rollback to savepoint before_refusals;
select is(
  pg_temp.statuses(jsonb_build_array(pg_temp.entry('dry@example.com', :'client_token') || '{"rollback": true}')),
  array[201], 'a dry run is answered');
select is(pg_temp.counts() ->> 'recipient dry@example.com', '1', 'and counts');
rollback to savepoint before_refusals;

-- At the limit.
select pg_temp.limits('none', 'none', '3 per 1 day') \gset ignored_
select is(
  pg_temp.statuses(jsonb_build_array(
    pg_temp.entry('three@example.com', :'client_token'), pg_temp.entry('THREE@example.com', :'operations_token'),
    pg_temp.entry('three@example.com', :'client_token'), pg_temp.entry('other@example.com', :'client_token'),
    pg_temp.entry('three@example.com', :'operations_token'))),
  array[201, 201, 201, 201, 429], 'a person gets three invitations, from whom soever, and the neighbours theirs');
select is(pg_temp.counts(), '{"recipient three@example.com": 3, "recipient other@example.com": 1}',
  'the refused one is not counted');
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of(r.role, r.call) #- '{errors,Retry-After,0}',
  pg_temp.refusal(429, 'There are too many invitations to this person.') || '{"errors": {"Retry-After": []}}',
  format('%s: over the limit is 429, with the seconds', r.name))
from (values
  ('accountsd_server', pg_temp.create_call('three@example.com', :'client_token'), 'a create'),
  ('accountsd_dba', format('select api.create_user(%L, %L)', :'client', pg_temp.invitation('three@example.com')),
    'a DBA''s create'),
  ('accountsd_server', pg_temp.call('resend_account_user_invite', null,
    array[(select internal.account_user_id(u.key) from accounts.account_user as u
      join accounts.person as p on p.key = u.person_key
      where p.email_key = 'three@example.com' and u.account_key = internal.account_key(:'client'))],
    jsonb_build_object('token', :'client_token')), 'a resend')
) as r (role, call, name);
select is(pg_temp.counts(), '{"recipient three@example.com": 3, "recipient other@example.com": 1}',
  'what is refused counts nothing');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and leaves nothing');

-- Time.
create function pg_temp.seconds(call text)
returns int
language sql
as $$ select split_part(pg_temp.outcome('accountsd_server', call), ' ', 2)::int $$;

select pg_temp.create_call('three@example.com', :'client_token') as call \gset
-- A third of a day, minus the time that this test has taken.
select ok(pg_temp.seconds(:'call') between 28500 and 28800, 'a third of the day is to wait');
select pg_temp.let_counters_pass('4 hours') \gset ignored_
select ok(pg_temp.seconds(:'call') between 14100 and 14400, 'four hours on, four hours less');
select pg_temp.let_counters_pass(make_interval(secs => pg_temp.seconds(:'call'))) \gset ignored_
select is(pg_temp.outcome('accountsd_server', :'call'), 'done', 'after Retry-After it succeeds');
select ok(pg_temp.seconds(:'call') between 28500 and 28800, 'once');
select pg_temp.let_counters_pass('10 days') \gset ignored_
select is(
  array(select pg_temp.outcome('accountsd_server', :'call') from generate_series(1, 3)), array['done', 'done', 'done'],
  'after a long time there are three again, and no more');
select matches(pg_temp.outcome('accountsd_server', :'call'), '^PT429 28[5-8]', 'and not a fourth');

-- A counter with a time in the future, as after a wait for a lock.
update accounts.invitation_use set counted_at = counted_at + interval '1 minute';
select matches(pg_temp.outcome('accountsd_server', :'call'), '^PT429 28[5-8]', 'time does not go backwards');

-- Other settings.
select pg_temp.answer('accountsd_dba', $$ select api.configure('{"limit.recipient": "4 per 1 day"}') $$)
  \gset ignored_
select is(pg_temp.outcome('accountsd_server', :'call'), 'done', 'a raised limit allows more at once');
select pg_temp.answer('accountsd_dba', $$ select api.configure('{"limit.recipient": "1 per 1 hour"}') $$)
  \gset ignored_
select ok(pg_temp.seconds(:'call') between 3500 and 3600, 'with a lowered limit the wait is that of the new limit');
select pg_temp.answer('accountsd_dba', $$ select api.configure('{"limit.recipient": "none"}') $$) \gset ignored_
select is(pg_temp.outcome('accountsd_server', :'call'), 'done', 'and a removed limit refuses nothing');

-- Tokens and accounts.
select pg_temp.limits('2 per 1 hour', 'none', 'none') \gset ignored_
select is(
  pg_temp.statuses(jsonb_build_array(
    pg_temp.entry('t1@example.com', :'client_token'), pg_temp.entry('t2@example.com', :'client_token'),
    pg_temp.entry('t3@example.com', :'client_token'), pg_temp.entry('t4@example.com', :'operations_token', :'client'),
    pg_temp.entry('t5@example.com', :'client_token'))),
  array[201, 201, 429, 201, 429], 'a token makes two, and another its own, in the same account');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call('t3@example.com', :'client_token')) ->> 'message',
  'There are too many invitations by this token.', 'the message names the token');
select is(
  pg_temp.outcome('accountsd_dba', format('select api.create_user(%L, %L)', :'client',
    pg_temp.invitation('t3@example.com'))),
  'done', 'a DBA has no token that could have too many');
select pg_temp.limits('none', '2 per 1 hour', 'none') \gset ignored_
select is(
  pg_temp.statuses(jsonb_build_array(
    pg_temp.entry('a1@example.com', :'client_token'), pg_temp.entry('a2@example.com', :'operations_token', :'client'),
    pg_temp.entry('a3@example.com', :'operations_token', :'client'), pg_temp.entry('a4@example.com', :'client_token'),
    pg_temp.entry('a5@example.com', :'operations_token'))),
  array[201, 201, 429, 429, 201], 'an account gets two, by whom soever, and another its own');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.create_user(%L, %L)', :'client',
    pg_temp.invitation('a3@example.com'))) ->> 'message',
  'There are too many invitations into this account.', 'of a DBA too');

-- Several limits: all must allow the request, and a refused request counts for none.
select pg_temp.limits('3 per 1 hour', 'none', '1 per 1 day') \gset ignored_
select is(
  pg_temp.statuses(jsonb_build_array(
    pg_temp.entry('m1@example.com', :'client_token'), pg_temp.entry('m1@example.com', :'client_token'),
    pg_temp.entry('m2@example.com', :'client_token'), pg_temp.entry('m2@example.com', :'operations_token', :'client'),
    pg_temp.entry('m3@example.com', :'client_token'), pg_temp.entry('m4@example.com', :'client_token'))),
  array[201, 429, 201, 429, 201, 429], 'a request counts in order of arrival, and only if it is done');
select is(
  pg_temp.counts(),
  jsonb_build_object('token ' || split_part(:'client_token', ':', 1), 3, 'recipient m1@example.com', 1,
    'recipient m2@example.com', 1, 'recipient m3@example.com', 1),
  'so the counters say');
select ok(pg_temp.seconds(pg_temp.create_call('m1@example.com', :'client_token')) > 80000,
  'of two limits the longer wait is reported');

-- Of two requests for one membership, the first is refused and the second is not.
select pg_temp.limits('1 per 1 hour', 'none', 'none') \gset ignored_
select is(
  pg_temp.statuses(jsonb_build_array(
    pg_temp.entry('w1@example.com', :'client_token'), pg_temp.entry('w2@example.com', :'client_token'),
    pg_temp.entry('w2@example.com', :'operations_token', :'client'))),
  array[201, 429, 201], 'a member who is refused to one may be invited by the next');

-- Other refusals take precedence.
select pg_temp.limits('none', '1 per 1 hour', 'none') \gset ignored_
select pg_temp.invite(:'client_token', 'full@example.com') as full \gset
select is(split_part(pg_temp.outcome('accountsd_server', r.call), ' ', 1), r.outcome, format('%s first', r.outcome))
from (values
  (pg_temp.create_call('not an address', :'client_token'), 'PT400'),
  (pg_temp.create_call('x@example.com', 'TKN-0000-0000:00'), 'PT401'),
  (pg_temp.create_call('active@example.com', :'client_token'), 'PT409'),
  (pg_temp.call('resend_account_user_invite', null, array[:'active'], jsonb_build_object('token', :'client_token')),
    'PT400'),
  (pg_temp.call('send_new_account_user_invite', null, array[:'full'::json ->> 'id'],
    jsonb_build_object('token', :'client_token')), 'PT400'),
  (pg_temp.create_call('x@example.com', :'client_token'), 'PT429')
) as r (call, outcome);
select is(
  pg_temp.statuses(jsonb_build_array(pg_temp.entry('active@example.com', :'client_token'),
    pg_temp.entry('full@example.com', :'client_token'))),
  array[409, 429], 'in a set too');

-- Idempotency keys.
select pg_temp.limits('none', '1 per 1 hour', 'none') \gset ignored_
select pg_temp.create_call('key@example.com', :'client_token', '{"idempotency_key": "one"}') as call \gset
select is(
  array(select pg_temp.outcome('accountsd_server', :'call') from generate_series(1, 2)), array['done', 'done'],
  'an answer that is given again is not counted again');
select pg_temp.create_call('key2@example.com', :'client_token', '{"idempotency_key": "two"}') as call \gset
select matches(pg_temp.outcome('accountsd_server', :'call'), '^PT429', 'a key does not help over a limit');
select pg_temp.let_counters_pass('1 hour') \gset ignored_
select is(pg_temp.outcome('accountsd_server', :'call'), 'done', 'and is free to be tried with again');

-- A rollback.
select pg_temp.limits('none', 'none', '2 per 1 day') \gset ignored_
savepoint before_the_call;
select pg_temp.invite(:'client_token', 'undone@example.com') \gset ignored_
rollback to savepoint before_the_call;
select is(pg_temp.counts(), '{}', 'what is rolled back is not counted');

-- Each new counter deletes two empty ones.
insert into accounts.invitation_use (kind, subject, used, counted_at, empty_at)
select 'recipient', 'old' || i || '@example.com', 1, now() - interval '9 days', now() - interval '8 days'
from generate_series(1, 5) as i;
select pg_temp.invite(:'client_token', 'n1@example.com') \gset ignored_
select is((select count(*) from accounts.invitation_use), 4::bigint, 'a new counter deletes two empty ones');
select pg_temp.invite(:'client_token', 'n1@example.com') \gset ignored_
select is((select count(*) from accounts.invitation_use), 4::bigint, 'one that was there takes none');
select pg_temp.statuses(jsonb_agg(pg_temp.entry('n2' || i || '@example.com', :'client_token')))
from generate_series(1, 3) as i \gset ignored_
select is(
  (select array_agg(u.subject order by u.subject) from accounts.invitation_use as u),
  array['n1@example.com', 'n21@example.com', 'n22@example.com', 'n23@example.com'], 'and none stays');
select ok(
  (select bool_and(u.empty_at between now() + interval '12 hours' and now() + interval '25 hours')
    from accounts.invitation_use as u),
  'a counter is kept until nothing counts any more');

select * from finish();
rollback;
