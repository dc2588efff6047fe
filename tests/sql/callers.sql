-- A role that may execute api functions, but is not a member of accountsd_dba, cannot act without a token; and what a
-- DBA can read in the tables authenticates nobody.
begin;
\ir lib/fixture.sql
select plan(58);

create function pg_temp.arguments(name text, client text, member jsonb, code text)
returns text
language sql
as $$
  select case
    when name in ('check_tokens', 'create_account_users', 'serve', 'complete_deliveries') then null
    when name = 'create_account' then quote_literal('{"type": "Client", "name": "Stranger"}')
    when name = 'create_module' then quote_literal('{"name": "Stranger"}')
    when name = 'configure' then quote_literal('{"mail.attempts": 3}')
    when name in ('create_buyer', 'create_api_token', 'create_user_group')
      then quote_literal(pg_temp.of_account(client, '{"name": "Stranger"}'))
    when name = 'disable_api_token' then quote_literal('TKN-0000-0000')
    when name = 'retry_delivery' then '1'
    when name = 'repair' then quote_literal('sequence')
    when name = 'create_account_user' then quote_literal(pg_temp.invitation('stranger@example.com', client))
    when name = 'create_user' then format('%L, %L', client, pg_temp.invitation('stranger@example.com'))
    when name in ('list_deliveries', 'read_events', 'announce_expiries', 'number_events', 'delivery_backlog',
      'key_space', 'schema_version', 'list_account_users', 'check') then ''
    when name = 'claim_deliveries' then quote_literal(1) || ', ' || quote_literal('1 minute')
    when name = 'get_invitation' then format('%L, %L', member ->> 'id', code)
    when name = 'list_users' then quote_literal(client)
    else
      case when name like '%account_user%' then quote_literal(member ->> 'id')
        else format('%L, %L', client, member #>> '{user,id}') end
      || case
        when name like 'accept%' then format(', %L', jsonb_build_object('code', code))
        when name like 'add%' then format(', %L', member -> 'groups' -> 0)
        when name like 'replace_%groups' then format(', %L', jsonb_build_array(member -> 'groups' -> 0))
        when name = 'replace_user' then format(', %L', jsonb_build_object('groups', jsonb_build_array(
          member -> 'groups' -> 0)))
        when name like 'take%' then format(', %L', member #>> '{groups,0,id}')
        else ''
      end
  end
$$;

-- Only the ids of groups are part of a request.
select jsonb_set(g.member, '{groups,0}', jsonb_build_object('id', g.member #>> '{groups,0,id}')) as member,
  pg_temp.code(g.member) as code
from (select api.create_account_user(pg_temp.invitation('member@example.com', :'client'))::jsonb as member) as g \gset
select pg_temp.contents() as before \gset

create role accountsd_test_caller;
grant usage on schema api to accountsd_test_caller;
grant execute on all functions in schema api to accountsd_test_caller;

create function pg_temp.problem_of_caller(call text)
returns jsonb
language plpgsql
as $$
declare
  v_problem jsonb;
begin
  begin
    perform set_config('role', 'accountsd_test_caller', true);
    v_problem := coalesce(pg_temp.problem(call), '{}');
    raise exception using errcode = 'RB001';
  exception
    when sqlstate 'RB001' then null;
  end;
  return v_problem;
end
$$;

-- Functions that need no more than the grant, or the code of an invitation.
create temp table open_to_all as
select n.name from unnest(array[
  'schema_version', 'read_events', 'announce_expiries', 'number_events', 'claim_deliveries', 'complete_deliveries',
  'delivery_backlog', 'key_space',
  'accept_account_user_invite', 'accept_user_invite', 'get_invitation']) as n (name);

select is(
  pg_temp.problem_of_caller(format('select api.%I(%s)', p.proname,
    pg_temp.arguments(p.proname, :'client', :'member', :'code'))) - 'errors',
  case when p.proname in (select o.name from open_to_all as o) then '{}'
    else jsonb_build_object('sqlstate', 'PT401', 'message', case when 'token' = any (p.proargnames)
      then 'A valid API token is required.' else 'The database role is not a member of accountsd_dba.' end)
  end,
  p.proname || ' knows who may call')
from pg_proc as p
where p.pronamespace = 'api'::regnamespace and pg_temp.arguments(p.proname, :'client', :'member', :'code') is not null
order by p.proname;
select is(
  pg_temp.problem_of_caller(
    $$ select * from api.complete_deliveries('[{"id": 1, "attempt": 1, "outcome": "Sent"}]') $$),
  '{}', 'complete_deliveries knows who may call');
select set_eq(
  $$ select p.proname::text from pg_proc as p where p.pronamespace = 'api'::regnamespace
    and pg_temp.arguments(p.proname, 'A', '{"id": "B", "user": {"id": "C"}}', 'D') is null $$,
  array['check_tokens', 'complete_deliveries', 'create_account_users', 'serve'],
  'these and those above are all api functions');
select is(
  pg_temp.problem_of_caller(format('select api.%I(%L)', f.name, '{"unknown": 1}')) ->> 'sqlstate', 'PT401',
  f.name || ' tells a caller who is nobody nothing about the request')
from unnest(array['configure', 'create_account', 'create_api_token', 'create_buyer', 'create_module',
  'create_user_group']) as f (name);
set local role accountsd_test_caller;
select is(
  (select array_agg(v.status) from api.create_account_users(jsonb_build_array(jsonb_build_object('request',
    pg_temp.invitation('stranger@example.com', :'client')))) as v), array[401], 'a set of invitations is refused');
select is(
  (select array_agg(v.status) from api.serve(jsonb_build_array(
    jsonb_build_object('operation', 'get', 'kind', 'account_user', 'accountUser', :'member'::jsonb ->> 'id'),
    jsonb_build_object('operation', 'list', 'kind', 'account_user'))) as v),
  array[401, 401], 'and so is a set of other operations');
select is(
  (select array_agg(v.status order by v.ordinal) from api.check_tokens(jsonb_build_array(
    null, 'TKN-0000-0000:' || repeat('0', 64), '', :'client_token', split_part(:'client_token', ':', 1))) as v),
  array[401, 401, 401, 200, 401], 'tokens are told from what is none');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has been written');

-- Every value that a DBA can read and that may be a hash, in the forms of a token and of a code.
select count(*) from api.claim_deliveries(10, interval '1 minute') \gset ignored_
create temp table token as
select split_part(t.credential, ':', 1) as id, t.credential
from (values (:'operations_token'), (:'client_token')) as t (credential);
create temp table readable (value bytea);
grant select on token to accountsd_dba;
grant select, insert on readable to accountsd_dba;
set local role accountsd_dba;
do $$
declare
  v_column record;
begin
  for v_column in
    select a.attrelid::regclass as relation, a.attname as name,
      case when a.atttypid = 'bytea[]'::regtype then 'unnest(t.%I)' else 't.%I' end as value
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid and c.relkind = 'r' and c.relnamespace = 'accounts'::regnamespace
    where a.attnum > 0 and a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype)
      and has_column_privilege(a.attrelid, a.attnum, 'select')
  loop
    execute format('insert into readable select ' || v_column.value || ' from %s as t', v_column.name,
      v_column.relation);
  end loop;
end
$$;
create temp table shown as
select distinct f.text
from readable as r
cross join lateral (values
  (encode(r.value, 'hex')), (encode(r.value, 'base64')), (translate(encode(r.value, 'base64'), '+/=', '-_')),
  (encode(sha256(r.value), 'hex')), (encode(sha256(convert_to(encode(r.value, 'hex'), 'UTF8')), 'hex'))
) as f (text);
select cmp_ok((select count(*) from readable), '>=', 5::bigint, 'a DBA reads hashes of tokens, codes and mails');
select is(
  pg_temp.problem(format('select api.list_account_users(%L, %L)', 'limit=0', t.credential)), null,
  'a token has a proof')
from token as t;
select is(
  (select array_agg(distinct pg_temp.problem(format('select api.list_account_users(%L, %L)', 'limit=0',
      t.id || ':' || s.text)) ->> 'sqlstate')
    from shown as s, token as t),
  array['PT401'], 'which is none of what a DBA reads');
select is(
  (select array_agg(distinct pg_temp.problem(format('select api.accept_account_user_invite(%L, %L)',
      :'member'::jsonb ->> 'id', jsonb_build_object('code', s.text))) ->> 'message')
    from shown as s),
  array['The code is wrong.'], 'nor is any of it the code of an invitation');
select throws_ok('select * from accounts.idempotency_key', '42501', null,
  'a DBA does not read what codes are made of');
reset role;

select * from finish();
rollback;
