begin;
\ir lib/fixture.sql
select plan(20);

set local role accountsd_dba;
select api.create_account('{"type": "Client", "status": "Enabled", "name": "  Acme  ", "icon": "acme.png"}')
  as answer \gset
select api.create_account('{"type": "Vendor", "name": "Bolt", "status": null, "icon": null}') as plain \gset
reset role;

select matches(:'answer'::json ->> 'id', '^ACC-[0-9]{4}-[0-9]{4}$', 'the answer has an account id');
select is(
  :'answer'::jsonb - 'id', '{"icon": "acme.png", "type": "Client", "status": "Enabled", "name": "Acme"}',
  'the answer has what was given, the name trimmed, and nothing else');
select is(
  array(select json_object_keys(:'answer')), array['id', 'icon', 'type', 'status', 'name'],
  'the fields come in the order of the account in an account user');
select is(
  :'plain'::jsonb - 'id', '{"icon": null, "type": "Vendor", "status": "Active", "name": "Bolt"}',
  'without a status the account is Active, without an icon it has none');
select isnt(:'plain'::json ->> 'id', :'answer'::json ->> 'id', 'every account has an id of its own');
select is(
  (select jsonb_build_object('type', a.type, 'status', a.status, 'name', a.name, 'icon', a.icon, 'by', a.created_by)
    from accounts.account as a where a.key = internal.account_key(:'answer'::json ->> 'id')),
  '{"type": "Client", "status": "Enabled", "name": "Acme", "icon": "acme.png", "by": {"name": "accountsd_dba"}}',
  'the row is what the answer says, and says who made it');
select is(
  (select jsonb_agg(jsonb_build_object('action', r.action, 'actor', r.actor, 'role', r.database_role,
      'trace', r.trace_id, 'account', internal.account_id(r.account_key)))
    from accounts.audit_record as r where r.object_id = :'answer'::json ->> 'id'),
  jsonb_build_array(jsonb_build_object('action', 'account.created', 'actor', '{"name": "accountsd_dba"}'::jsonb,
    'role', 'accountsd_dba', 'trace', null, 'account', :'answer'::json ->> 'id')),
  'there is one audit record');

select pg_temp.contents() as before \gset
set local role accountsd_dba;
select is(pg_temp.problem(format('select api.create_account(%L)', t.request)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{}'::jsonb, '{"type": ["is required"], "name": ["is required"]}'::jsonb, 'type and name are required'),
  ('{"type": null, "name": null}', '{"type": ["is required"], "name": ["is required"]}', 'null is no value'),
  ('{"type": "Bank", "name": "A"}', '{"type": ["is not Client, Vendor or Operations"]}', 'the type must be known'),
  ('{"type": "client", "name": "A"}', '{"type": ["is not Client, Vendor or Operations"]}', 'the type is spelt exactly'),
  ('{"type": "Client", "name": "A", "status": "Closed"}', '{"status": ["is not Active, Enabled or Disabled"]}',
    'the status must be known'),
  ('{"type": "Client", "name": "   "}', '{"name": ["is empty"]}', 'the name is not blank'),
  (jsonb_build_object('type', 'Client', 'name', repeat('a', 101)), '{"name": ["is longer than 100 characters"]}',
    'the name has 100 characters at most'),
  ('{"type": 1, "name": true, "icon": [], "owner": "me"}', '{"type": ["is not a string"], "name": ["is not a string"],
    "icon": ["is not a string"], "owner": ["is not a known field"]}', 'every mistake is reported at once'),
  ('[]', '{"$": ["is not an object"]}', 'a request is an object')
) as t (request, errors, name);
select is(
  pg_temp.problem('select api.create_account(null)'), pg_temp.invalid('{"$": ["is not an object"]}'),
  'a request is not left out');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_server;
select throws_ok($$ select api.create_account('{"type": "Operations", "name": "Mine"}') $$, '42501', null,
  'the server may not');
reset role;
create role accountsd_test_dba in role accountsd_dba;
set local session authorization accountsd_test_dba;
select api.create_account('{"type": "Client", "name": "By name"}') ->> 'id' as named \gset
reset session authorization;
select is(
  (select a.created_by from accounts.account as a where a.key = internal.account_key(:'named')),
  '{"name": "accountsd_test_dba"}', 'a DBA who logged in acts under the own name');

select * from finish();
rollback;
