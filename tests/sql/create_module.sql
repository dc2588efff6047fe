begin;
\ir lib/fixture.sql
select plan(20);

set local role accountsd_dba;
select api.create_module('{"name": " Reports ", "description": "Figures", "settings": {"configurable": true,
  "default": true, "paid": true, "type": ["Sales", "Support"], "obsolete": true,
  "eligibility": {"multi": false, "single": false}}}')
  as answer \gset
select api.create_module('{"name": "Plain"}') as plain \gset
select api.create_module('{"name": "Nulls", "description": null, "settings": {"paid": null, "type": null,
  "eligibility": null}}') as nulls \gset
reset role;

select matches(:'answer'::json ->> 'id', '^MOD-[0-9]{4}$', 'the answer has a module id');
select is(
  :'answer'::jsonb - 'id', '{"description": "Figures", "name": "Reports", "settings": {"configurable": true,
    "default": true, "paid": true, "type": ["Sales", "Support"], "obsolete": true,
    "eligibility": {"multi": false, "single": false}}}',
  'the answer has what was given, the name trimmed, and nothing else');
select is(
  array(select json_object_keys(:'answer')), array['id', 'description', 'name', 'settings'],
  'the fields come in the order of a module in an account user');
select is(
  array(select json_object_keys(:'answer'::json -> 'settings')),
  array['configurable', 'default', 'paid', 'type', 'obsolete', 'eligibility'], 'so do those of its settings');
select is(
  :'plain'::jsonb - 'id', '{"description": null, "name": "Plain", "settings": {"configurable": false, "default": false,
    "paid": false, "type": [], "obsolete": false, "eligibility": {"multi": true, "single": true}}}',
  'what is left out has a default');
select is(
  :'nulls'::jsonb - 'id' - 'name', :'plain'::jsonb - 'id' - 'name', 'what is null counts as left out');
select is(
  (select jsonb_build_object('name', m.name, 'description', m.description, 'configurable', m.is_configurable,
      'default', m.is_default, 'paid', m.is_paid, 'obsolete', m.is_obsolete, 'types', m.types,
      'multi', m.eligible_multi, 'single', m.eligible_single, 'by', m.created_by)
    from accounts.module as m where m.key = internal.module_key(:'answer'::json ->> 'id')),
  '{"name": "Reports", "description": "Figures", "configurable": true, "default": true, "paid": true, "obsolete": true,
    "types": ["Sales", "Support"], "multi": false, "single": false, "by": {"name": "accountsd_dba"}}',
  'the row is what the answer says');
select is(
  (select jsonb_agg(jsonb_build_object(
      'action', r.action, 'actor', r.actor, 'role', r.database_role, 'account', r.account_key))
    from accounts.audit_record as r where r.object_id = :'answer'::json ->> 'id'),
  '[{"action": "module.created", "actor": {"name": "accountsd_dba"}, "role": "accountsd_dba", "account": null}]',
  'there is one audit record, of no account');

select pg_temp.contents() as before \gset
set local role accountsd_dba;
select is(
  pg_temp.problem('select api.create_module(''{"name": "Reports"}'')'),
  '{"sqlstate": "PT409", "message": "A module of this name exists.", "errors": null}', 'a name is given once');
select is(
  pg_temp.problem('select api.create_module(''{"name": " Reports  "}'')') ->> 'sqlstate', 'PT409',
  'blanks do not make it another');
select is(pg_temp.problem(format('select api.create_module(%L)', t.request)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{}'::jsonb, '{"name": ["is required"]}'::jsonb, 'a name is required'),
  ('{"name": " "}', '{"name": ["is empty"]}', 'the name is not blank'),
  ('{"name": "A", "settings": []}', '{"settings": ["is not an object"]}', 'settings are an object'),
  ('{"name": "A", "settings": {"type": "Sales"}}', '{"settings.type": ["is not an array"]}', 'a type is an array'),
  ('{"name": "A", "settings": {"type": ["Sales", 1, null]}}',
    '{"settings.type[1]": ["is not a string"], "settings.type[2]": ["is not a string"]}', 'of strings'),
  ('{"name": "A", "settings": {"paid": "true", "eligibility": {"multi": 1, "double": true}, "colour": 1}}',
    '{"settings.paid": ["is not true or false"], "settings.eligibility.multi": ["is not true or false"],
      "settings.eligibility.double": ["is not a known field"], "settings.colour": ["is not a known field"]}',
    'every mistake is reported at once'),
  (jsonb_build_object('name', 'A', 'description', repeat('d', 1001)),
    '{"description": ["is longer than 1000 characters"]}',
    'the description has 1000 characters at most'),
  ('null', '{"$": ["is not an object"]}', 'a request is an object')
) as t (request, errors, name);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_server;
select throws_ok($$ select api.create_module('{"name": "Mine"}') $$, '42501', null, 'the server may not');
reset role;

select * from finish();
rollback;
