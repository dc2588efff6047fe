-- The outbox as a feed: api.number_events and api.read_events. tests/http/database/test_events.c tests concurrent
-- commits.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(28);

create function pg_temp.read(after bigint, max_count int default 1000, numbered int default 1000)
returns table (n bigint, event jsonb)
language plpgsql
as $$
begin
  perform set_config('role', 'accountsd_delivery', true);
  perform api.number_events(numbered) where numbered > 0;
  perform set_config('role', 'accountsd_consumer', true);
  return query select e.position, e.event::jsonb from api.read_events(after, max_count) as e;
  perform set_config('role', 'none', true);
end
$$;

-- Only events from here on.
do $$
declare
  v_after bigint := 0;
  v_last bigint;
begin
  loop
    select max(e.n) into v_last from pg_temp.read(v_after) as e;
    exit when v_last is null;
    v_after := v_last;
  end loop;
end
$$;
select coalesce(max(position), 0) as start from accounts.event \gset
select is((select count(*) from pg_temp.read(:start)), 0::bigint, 'after the last event there is none');

select pg_temp.invite(:'client_token', 'followed@example.com', pg_temp.ids(:'client_everyone')) as invited \gset
select pg_temp.accept(:'invited') \gset ignored_
set local role accountsd_dba;
select api.add_account_user_group(:'invited'::jsonb ->> 'id', jsonb_build_object('id', :'client_northern'))
  \gset ignored_
select api.add_account_user_group(:'invited'::jsonb ->> 'id', jsonb_build_object('id', :'client_northern'))
  \gset ignored_
select api.take_account_user_group(:'invited'::jsonb ->> 'id', :'client_everyone') as nothing \gset ignored_
select api.replace_account_user_groups(:'invited'::jsonb ->> 'id', pg_temp.ids(:'client_southern')) \gset ignored_
select api.remove_account_user(:'invited'::jsonb ->> 'id') as nothing \gset ignored_
select api.create_account_user(pg_temp.invitation('followed@example.com', :'client')) \gset ignored_
select api.resend_account_user_invite(:'invited'::jsonb ->> 'id') \gset ignored_
reset role;

select is(
  array(select e.event ->> 'topic' from pg_temp.read(:start) as e),
  array['invitation.mail', 'account_user.accepted', 'account_user.group_added', 'account_user.group_taken',
    'account_user.groups_replaced', 'account_user.removed', 'invitation.mail', 'invitation.mail'],
  'what happens to a membership is an event, what changes nothing is none');
select is(
  array(select e.n - :start from pg_temp.read(:start) as e), array[1, 2, 3, 4, 5, 6, 7, 8]::bigint[],
  'positions have no gap');
select is(
  array(select e.n from pg_temp.read(:start) as e),
  array(select (e.event ->> 'position')::bigint from pg_temp.read(:start) as e), 'and are in the event');
select is(
  (select e.event - 'position' from pg_temp.read(:start, 1) as e),
  jsonb_build_object('topic', 'invitation.mail', 'at', internal.timestamp_text(now()),
    'accountUser', jsonb_build_object('id', :'invited'::jsonb ->> 'id'),
    'account', jsonb_build_object('id', :'client'),
    'user', jsonb_build_object('id', :'invited'::jsonb #>> '{user,id}')),
  'an event names the membership, the account and the person, and no address, name or code');
select is(
  array(select e.n - :start from pg_temp.read(:start + 2, 3) as e), array[3, 4, 5]::bigint[],
  'a reader continues from its position');
select is(
  array(select e.event from pg_temp.read(:start) as e), array(select e.event from pg_temp.read(:start) as e),
  'read again it is the same');

-- A page at a time.
select count(pg_temp.invite(:'client_token', 'page-' || i || '@example.com')) from generate_series(1, 10) as i
  \gset ignored_
select is(
  array(select e.n - :start from pg_temp.read(:start + 6, 4) as e), array[7, 8, 9, 10]::bigint[],
  'a page that begins among the old and ends among the new has no gap');
select is((select count(*) from pg_temp.read(:start + 8)), 10::bigint, 'and the rest is there');

-- What is rolled back is not an event and leaves no gap.
savepoint before_the_call;
select pg_temp.invite(:'client_token', 'undone@example.com') \gset ignored_
select is((select count(*) from pg_temp.read(:start + 18)), 1::bigint, 'an event of this transaction is seen by it');
rollback to before_the_call;
select pg_temp.invite(:'client_token', 'done@example.com') \gset ignored_
select is(
  array(select e.n - :start from pg_temp.read(:start + 18) as e), array[19]::bigint[],
  'one that was rolled back leaves no gap');

-- Numbered in parts, and only by permitted roles.
select count(pg_temp.invite(:'client_token', 'part-' || i || '@example.com')) from generate_series(1, 3) as i
  \gset ignored_
select is(
  array(select e.n - :start from pg_temp.read(:start + 19, numbered => 2) as e), array[20, 21]::bigint[],
  'what has a position can be read');
select is_empty(
  format('select * from pg_temp.read(%s, numbered => 0)', :start + 21),
  'what has none, cannot: to read numbers nothing');
select is(pg_temp.answer('accountsd_dba', 'select api.number_events()'), '1', 'a DBA numbers the rest');
select is(pg_temp.answer('accountsd_delivery', 'select api.number_events()'), '0', 'and then there is none');

-- Memberships inserted into the table, which never had an invitation, and changes made there.
with person as (
  insert into accounts.person (email_key) values ('imported@example.com') returning key, email_key
)
insert into accounts.account_user
  (account_key, person_key, email, first_name, last_name, status, created_by, updated_by)
select internal.account_key(:'client'), p.key, p.email_key, 'I', 'M', 'Active', '{"name": "import"}',
  '{"name": "import"}'
from person as p
returning internal.account_user_id(key) as imported \gset
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, internal.user_group_key(:'client_everyone'), u.account_key
from accounts.account_user as u where u.key = internal.account_user_key(:'imported');
select max(e.n) as last from pg_temp.read(:start) as e \gset
set local role accountsd_dba;
select api.add_account_user_group(:'imported', jsonb_build_object('id', :'client_northern')) \gset ignored_
select api.take_account_user_group(:'imported', :'client_everyone') as nothing \gset ignored_
select api.replace_account_user_groups(:'imported', pg_temp.ids(:'client_southern')) \gset ignored_
select api.remove_account_user(:'imported') as nothing \gset ignored_
reset role;
update accounts.account_user set status = 'Active' where key = internal.account_user_key(:'imported');
update accounts.account_user set updated_at = now() where key = internal.account_user_key(:'imported');
update accounts.account_user set status = 'Removed' where key = internal.account_user_key(:'imported');
select is(
  array(select concat_ws(' ', e.event ->> 'topic', e.event #>> '{accountUser,id}') from pg_temp.read(:last) as e),
  array(select t.topic || ' ' || :'imported' from unnest(array['account_user.group_added', 'account_user.group_taken',
    'account_user.groups_replaced', 'account_user.removed', 'account_user.accepted', 'account_user.removed'])
    as t (topic)),
  'a membership without an invitation has its events, whoever changes it');
select is(
  (select e.event - 'position' from pg_temp.read(:last, 1) as e),
  jsonb_build_object('topic', 'account_user.group_added', 'at', internal.timestamp_text(now()),
    'accountUser', jsonb_build_object('id', :'imported'), 'account', jsonb_build_object('id', :'client'),
    'user', (select jsonb_build_object('id', internal.person_id(p.key)) from accounts.person as p
      where p.email = 'imported@example.com')),
  'which say the same as others');

-- In a read-only transaction.
set local transaction_read_only = on;
select is(
  array(select e.n - :start from pg_temp.read(:start + 18, 1, numbered => 0) as e), array[19]::bigint[],
  'a transaction that may not write reads');

select is(
  pg_temp.problem_of('accountsd_delivery', format('select api.number_events(%s)', r.arguments)),
  pg_temp.refusal(400, 'max_count is not 1 to 10000.'), format('numbering (%s) is refused', r.arguments))
from (values ('0'), ('null'), ('10001')) as r (arguments);
select is(
  pg_temp.problem_of(r.role, 'select api.number_events()') ->> 'sqlstate', '42501', r.role || ' numbers nothing')
from (values ('accountsd_server'), ('accountsd_consumer')) as r (role);

select is(
  pg_temp.problem_of('accountsd_consumer', format('select api.read_events(%s)', r.arguments)),
  pg_temp.refusal(400, 'after is below 0, or max_count not 1 to 1000.'), format('(%s) is refused', r.arguments))
from (values ('-1'), ('null'), ('0, 0'), ('0, 1001')) as r (arguments);
select is(
  pg_temp.problem_of('accountsd_server', 'select api.read_events()') ->> 'sqlstate', '42501',
  'the server reads no events');

select * from finish();
rollback;
