begin;
\ir lib/fixture.sql
select plan(16);

set local role accountsd_dba;
select api.create_buyer(pg_temp.of_account(:'client', '{"name": " East ", "icon": "east.png"}')) as answer \gset
select api.create_buyer(pg_temp.of_account(:'vendor', '{"name": "East"}')) as plain \gset
reset role;

select matches(:'answer'::json ->> 'id', '^BUY-[0-9]{4}-[0-9]{4}$', 'the answer has a buyer id');
select is(
  :'answer'::jsonb - 'id', '{"icon": "east.png", "name": "East"}',
  'the answer has what was given, the name trimmed, and nothing else');
select is(
  array(select json_object_keys(:'answer')), array['id', 'icon', 'name'],
  'the fields come in the order of a buyer in an account user');
select is(:'plain'::jsonb - 'id', '{"icon": null, "name": "East"}', 'without an icon it has none');
select is(
  (select jsonb_build_object(
      'account', internal.account_id(b.account_key), 'name', b.name, 'icon', b.icon, 'by', b.created_by)
    from accounts.buyer as b where b.key = internal.buyer_key(:'answer'::json ->> 'id')),
  jsonb_build_object('account', :'client', 'name', 'East', 'icon', 'east.png',
    'by', '{"name": "accountsd_dba"}'::jsonb),
  'the row is what the answer says, of the account given');
select is(
  (select jsonb_agg(jsonb_build_object('action', r.action, 'actor', r.actor, 'role', r.database_role,
      'account', internal.account_id(r.account_key)))
    from accounts.audit_record as r where r.object_id = :'answer'::json ->> 'id'),
  jsonb_build_array(jsonb_build_object('action', 'buyer.created', 'actor', '{"name": "accountsd_dba"}'::jsonb,
    'role', 'accountsd_dba', 'account', :'client')),
  'there is one audit record');

select pg_temp.contents() as before, internal.account_id(99999998) as nowhere \gset
set local role accountsd_dba;
select is(pg_temp.problem(format('select api.create_buyer(%L)', t.request)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{}'::jsonb, '{"account": ["is required"], "name": ["is required"]}'::jsonb, 'account and name are required'),
  ('{"account": {}, "name": "A"}', '{"account.id": ["is required"]}', 'the account''s id is required'),
  ('{"account": {"id": "ACC-1"}, "name": "A"}', '{"account.id": ["is not an account id"]}',
    'the id has the shape of one'),
  (pg_temp.of_account(:'nowhere', '{"name": "A"}'), '{"account.id": ["is not an account"]}',
    'the account must be there'),
  (pg_temp.of_account(:'client', '{"name": ""}'), '{"name": ["is empty"]}', 'the name is not empty'),
  (pg_temp.of_account(:'client', jsonb_build_object('name', 'A', 'icon', repeat('i', 1001))),
    '{"icon": ["is longer than 1000 characters"]}', 'the icon has 1000 characters at most'),
  (pg_temp.of_account(:'client', '{"name": {}, "colour": 1}'),
    '{"name": ["is not a string"], "colour": ["is not a known field"]}', 'every mistake is reported at once'),
  ('"East"', '{"$": ["is not an object"]}', 'a request is an object')
) as t (request, errors, name);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_server;
select throws_ok($$ select api.create_buyer('{}') $$, '42501', null, 'the server may not');
reset role;

select * from finish();
rollback;
