-- Plans are cached, and none may read a whole table because the table was small when the plan was made: each
-- operation reads about as few rows after the tables have grown, before the next analyze, as before. Rows of
-- transactions that were rolled back count as read, too.
vacuum;
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(42);

-- Autovacuum does not see the rows of this transaction, and would cause plans to be made again.
select format('lock table %s in share update exclusive mode', c.oid::regclass)
from pg_class as c where c.relnamespace = 'accounts'::regnamespace and c.relkind = 'r' \gexec

-- The number of rows and index entries read in schema accounts in this transaction.
create function pg_temp.rows_read()
returns bigint
language sql
as $$
  select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
  from pg_class as c
  where c.relnamespace = 'accounts'::regnamespace and c.relkind in ('r', 'i')
$$;

-- As a DBA, who may call every function. "member" stands for the ids of a membership created for the call; it is
-- invited, or in the given state.
create temp table operation (place int generated always as identity, name text, state text, call text);
insert into operation (name, state, call) values
  ('create_account_user', null, 'select api.create_account_user(%3$L, %4$L)'),
  ('create_account_user with a key', null,
    'select api.create_account_user(%3$L, %4$L, idempotency_key => gen_random_uuid()::text)'),
  ('create_account_user again', 'open', 'select api.create_account_user(%5$L, %4$L)'),
  ('create_user', null, 'select api.create_user(%1$L, %3$L, %4$L)'),
  ('create_account_users', null, 'select api.create_account_users(jsonb_build_array(jsonb_build_object(
    ''request'', %3$L::jsonb, ''token'', %4$L), jsonb_build_object(''request'', %3$L::jsonb, ''token'', %4$L)))'),
  ('a dry run', null, 'select api.create_account_users(jsonb_build_array(jsonb_build_object(''request'', %3$L::jsonb,
    ''token'', %4$L, ''rollback'', true)))'),
  ('accept_account_user_invite', 'open', 'select api.accept_account_user_invite(%6$L, %7$L)'),
  ('accept_user_invite', 'open', 'select api.accept_user_invite(%1$L, %2$L, %7$L)'),
  ('accept with a key', 'open',
    'select api.accept_user_invite(%1$L, %2$L, %7$L, idempotency_key => gen_random_uuid()::text)'),
  ('get_invitation', 'open', 'select api.get_invitation(%6$L, %7$L::json ->> ''code'')'),
  ('resend_account_user_invite', 'open', 'select api.resend_account_user_invite(%6$L, %4$L)'),
  ('resend_user_invite', 'open', 'select api.resend_user_invite(%1$L, %2$L, %4$L)'),
  ('send_new_account_user_invite', 'expired', 'select api.send_new_account_user_invite(%6$L, %4$L)'),
  ('send_new_user_invite', 'expired', 'select api.send_new_user_invite(%1$L, %2$L, %4$L)'),
  ('add_account_user_group', 'open', 'select api.add_account_user_group(%6$L, %8$L, %4$L)'),
  ('add_user_group', 'open', 'select api.add_user_group(%1$L, %2$L, %8$L, %4$L)'),
  ('replace_account_user_groups', 'open',
    'select api.replace_account_user_groups(%6$L, jsonb_build_array(%8$L::jsonb), %4$L)'),
  ('replace_user_groups', 'open', 'select api.replace_user_groups(%1$L, %2$L, jsonb_build_array(%8$L::jsonb), %4$L)'),
  ('replace_user', 'open',
    'select api.replace_user(%1$L, %2$L, jsonb_build_object(''groups'', jsonb_build_array(%8$L::jsonb)), %4$L)'),
  ('take_account_user_group', 'grouped', 'select api.take_account_user_group(%6$L, %8$L::json ->> ''id'', %4$L)'),
  ('take_user_group', 'grouped', 'select api.take_user_group(%1$L, %2$L, %8$L::json ->> ''id'', %4$L)'),
  ('remove_account_user', 'open', 'select api.remove_account_user(%6$L, %4$L)'),
  ('remove_user', 'active', 'select api.remove_user(%1$L, %2$L, %4$L)'),
  ('get_account_user', 'open', 'select api.get_account_user(%6$L, '''', %4$L)'),
  ('get_user', 'open', 'select api.get_user(%1$L, %2$L, ''select=-audit,-account.name'', %4$L)'),
  ('list_account_users', 'open', 'select api.list_account_users(''limit=3'', %4$L)'),
  ('list_users', 'open', 'select api.list_users(%1$L, ''limit=3&order=-name'', %4$L)'),
  ('list_users by address', 'open',
    'select api.list_users(%1$L, ''email='' || (%5$L::json #>> ''{user,email}''), %4$L)'),
  ('list_deliveries of a member', 'open', 'select api.list_deliveries(null, %6$L)'),
  ('retry_delivery', 'open', 'select api.retry_delivery(%9$L)'),
  ('claim_deliveries', 'open', 'select api.claim_deliveries(1, ''1 minute'')'),
  ('complete_deliveries', 'open', 'select api.complete_deliveries((
    select jsonb_agg(jsonb_build_object(''id'', d.id, ''attempt'', d.attempt, ''outcome'', o.outcome))
    from api.claim_deliveries(1, ''1 minute'') as d, (values (''Failed'')) as o (outcome)))'),
  ('giving up', 'open', 'select api.complete_deliveries((
    select jsonb_agg(jsonb_build_object(''id'', d.id, ''attempt'', d.attempt, ''outcome'', ''Refused''))
    from api.claim_deliveries(1, ''1 minute'') as d))'),
  ('announce_expiries', 'expired', 'select api.announce_expiries(2)'),
  ('number_events', 'open', 'select api.number_events(2)'),
  ('read_events', 'open', 'select api.read_events((select coalesce(max(e.position), 0) from accounts.event as e), 2)'),
  ('create_account', null, 'select api.create_account(''{"type": "Client", "name": "Grown"}'')'),
  ('create_buyer', null, 'select api.create_buyer(jsonb_build_object(''account'',
    jsonb_build_object(''id'', %1$L), ''name'', ''Grown''))'),
  ('create_user_group', null, 'select api.create_user_group(jsonb_build_object(''account'',
    jsonb_build_object(''id'', %1$L), ''name'', gen_random_uuid()))'),
  ('create_api_token', null, 'select api.create_api_token(jsonb_build_object(''account'',
    jsonb_build_object(''id'', %1$L), ''name'', ''Grown''))'),
  ('disable_api_token', null, 'select api.disable_api_token(api.create_api_token(jsonb_build_object(''account'',
    jsonb_build_object(''id'', %1$L), ''name'', ''Grown'')) ->> ''id'')'),
  ('configure', null, 'select api.configure(''{"mail.attempts": 7}'')');

create sequence pg_temp.address;

-- What an operation reads, with a membership created for it.
create function pg_temp.cost(operation operation, account text, token text, groups jsonb, more text)
returns bigint
language plpgsql
as $$
declare
  v_email constant text := 'grown' || nextval('pg_temp.address') || '@example.com';
  v_given constant jsonb := case when operation.state = 'grouped' then groups
    || jsonb_build_array(jsonb_build_object('id', more)) else groups end;
  v_before bigint;
  v_member jsonb;
  v_mail bigint;
begin
  if operation.state is not null then
    v_member := pg_temp.invite(token, v_email, v_given);
  end if;
  if operation.state = 'expired' then
    perform pg_temp.let_pass('8 days', v_member);
  elsif operation.state = 'active' then
    perform api.accept_account_user_invite(v_member ->> 'id', jsonb_build_object('code', pg_temp.code(v_member)));
  end if;
  select max(o.key) into v_mail
  from accounts.invitation as i
  join accounts.outbox as o on o.invitation_key = i.key
  where i.account_user_key = internal.account_user_key(v_member ->> 'id');
  v_before := pg_temp.rows_read();
  execute format(operation.call, account, v_member #>> '{user,id}',
    pg_temp.invitation('new' || nextval('pg_temp.address') || '@example.com', groups => groups), token,
    pg_temp.invitation(v_email, groups => groups), v_member ->> 'id',
    jsonb_build_object('code', pg_temp.code(v_member)), jsonb_build_object('id', more), v_mail);
  return pg_temp.rows_read() - v_before;
end
$$;

create function pg_temp.largest_cost(operation operation, calls int, account text, token text, groups jsonb, more text)
returns bigint
language plpgsql
as $$
begin
  return (
    select max(pg_temp.cost(operation, account, token, groups, more)) from generate_series(1, calls) as c (call));
end
$$;

select api.configure('{"limit.token": "1000000 per 1 days", "limit.account": "1000000 per 1 days",
  "limit.recipient": "1000 per 1 days", "invitation.reminder": "1 days", "invitation.expiredEvent": true}')
\gset ignored_
create temp table argument as
select :'client' as client, :'client_token' as token, pg_temp.ids(:'client_everyone') as groups,
  :'client_northern' as more;

-- Often enough that all plans are generic, and after the analyze, so that they are plans for small tables. Each
-- operation is a separate statement of the client, because statement_timestamp() is the time of that.
create temp table measured (place int, is_small boolean, cost bigint);
create function pg_temp.measure(is_small boolean, calls int)
returns setof text
language sql
as $$
  select format('insert into measured
    select o.place, %L, pg_temp.largest_cost(o, %s, a.client, a.token, a.groups, a.more)
    from operation as o, argument as a where o.place = %s', is_small, calls, o.place)
  from operation as o
  order by o.place
$$;
select pg_temp.measure(true, 1) \gexec
analyze;
select pg_temp.measure(true, 6) \gexec

-- The account of the calls, others, and every other table. Checks of foreign keys have cached plans too, which would
-- be made here.
set local enable_seqscan = off;
insert into accounts.person (email_key)
select 'crowd' || i || '@example.com' from generate_series(1, 3000) as i;
insert into accounts.account_user (account_key, person_key, email, first_name, last_name, created_by, updated_by)
select internal.account_key(a.id), p.key, p.email_key, 'Ada' || p.key, 'Lovelace', '{"name": "test"}',
  '{"name": "test"}'
from accounts.person as p, (values (:'client'), (:'vendor')) as a (id)
where p.email_key like 'crowd%';
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, g.key, u.account_key
from accounts.account_user as u
join accounts.user_group as g on g.account_key = u.account_key and g.key in (
  internal.user_group_key(:'client_everyone'), internal.user_group_key(:'vendor_sales'))
on conflict do nothing;
insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
select u.key, sha256('x'), now() + interval '7 days', '{"name": "test"}'
from accounts.account_user as u join accounts.person as p on p.key = u.person_key
where p.email_key like 'crowd%';
insert into accounts.outbox (topic, invitation_key)
select 'invitation.mail', i.key from accounts.invitation as i where i.code_sha256 = sha256('x');
insert into accounts.outbox (topic, account_user_key, delivery)
select 'account_user.accepted', i.account_user_key, null
from accounts.invitation as i where i.code_sha256 = sha256('x');
insert into accounts.audit_record (action, actor, database_role, object_id)
select 'test', '{"name": "test"}', 'test', 'X' || i from generate_series(1, 3000) as i;
insert into accounts.account (type, name, created_by)
select 'Client', 'Crowd', '{"name": "test"}' from generate_series(1, 3000) as i;
insert into accounts.api_token (account_key, name, proof_sha256, created_by)
select a.key, 'Crowd', sha256('x'), '{"name": "test"}' from accounts.account as a where a.name = 'Crowd';
insert into accounts.buyer (account_key, name, created_by)
select a.key, 'Crowd', '{"name": "test"}' from accounts.account as a where a.name = 'Crowd';
insert into accounts.user_group (account_key, name, created_by)
select a.key, 'Crowd', '{"name": "test"}' from accounts.account as a where a.name = 'Crowd';
insert into accounts.idempotency_key (key_sha256, request_sha256, code_salt, status)
select sha256(convert_to(i::text, 'UTF8')), sha256('x'), sha256('x'), 204 from generate_series(1, 3000) as i;
insert into accounts.invitation_use (kind, subject, used, counted_at, empty_at)
select 'recipient', 'crowd' || i, 1, now(), now() + interval '1 day' from generate_series(1, 3000) as i;
insert into accounts.event (position, outbox_key)
select m.last + row_number() over (order by o.key), o.key
from accounts.outbox as o, (select coalesce(max(e.position), 0) as last from accounts.event as e) as m
where not exists (select from accounts.event as e where e.outbox_key = o.key);
update accounts.event_horizon set settled_key = k.last, seen_key = k.last
from (select max(o.key) as last from accounts.outbox as o) as k;

select pg_temp.measure(false, 3) \gexec
-- Every version of a row that this transaction has updated is read, so the number is slightly higher.
select cmp_ok(c.grown, '<=', 2 * c.small + 500,
  format('%s reads %s rows, and %s of small tables', c.name, c.grown, c.small))
from (
  select o.place, o.name, max(m.cost) filter (where not m.is_small) as grown,
    max(m.cost) filter (where m.is_small) as small
  from operation as o
  join measured as m on m.place = o.place
  group by o.place, o.name
) as c
order by c.place;

select * from finish();
rollback;
