begin;
\ir lib/fixture.sql
select plan(26);

set local role accountsd_dba;
select api.create_user_group(
  pg_temp.of_account(:'vendor',
    '{"name": " Team ", "description": "The team", "logo": "team.png", "isDefault": true, "allBuyers": false}')
  || jsonb_build_object('modules', pg_temp.ids(:'orders', :'catalog'), 'buyers', pg_temp.ids(:'partner')))
  as answer \gset
select api.create_user_group(pg_temp.of_account(:'client', '{"name": "Team"}')) as plain \gset
select api.create_user_group(pg_temp.of_account(:'client', '{"name": "All", "allBuyers": true, "description": null,
  "isDefault": null, "buyers": null, "modules": null}')) as "all" \gset
reset role;

select matches(:'answer'::json ->> 'id', '^UGR-[0-9]{4}-[0-9]{4}$', 'the answer has a user group id');
select is(
  :'answer'::jsonb - 'id', '{"name": "Team", "description": "The team", "logo": "team.png", "isDefault": true}',
  'the answer has what was given, the name trimmed, and nothing else');
select is(
  array(select json_object_keys(:'answer')), array['id', 'name', 'description', 'logo', 'isDefault'],
  'the fields come in the order of a group in an account user');
select is(
  :'plain'::jsonb - 'id', '{"name": "Team", "description": null, "logo": null, "isDefault": false}',
  'what is left out is null or false');
select is(
  (select jsonb_build_object('account', internal.account_id(g.account_key), 'name', g.name,
      'description', g.description, 'logo', g.logo, 'default', g.is_default,
      'all', g.has_all_buyers, 'by', g.created_by)
    from accounts.user_group as g where g.key = internal.user_group_key(:'answer'::json ->> 'id')),
  jsonb_build_object('account', :'vendor', 'name', 'Team', 'description', 'The team', 'logo', 'team.png',
    'default', true, 'all', false, 'by', '{"name": "accountsd_dba"}'::jsonb),
  'the row is what the answer says, of the account given');
select is(
  array(select internal.module_id(m.module_key) from accounts.user_group_module as m
    where m.user_group_key = internal.user_group_key(:'answer'::json ->> 'id') order by m.module_key),
  array[:'catalog', :'orders'], 'the group has the modules given');
select is(
  array(select internal.buyer_id(b.buyer_key) from accounts.user_group_buyer as b
    where b.user_group_key = internal.user_group_key(:'answer'::json ->> 'id')),
  array[:'partner'], 'the group has the buyers given');
select ok(
  not g.has_all_buyers
    and not exists (select from accounts.user_group_buyer as b where b.user_group_key = g.key)
    and not exists (select from accounts.user_group_module as m where m.user_group_key = g.key),
  'without lists the group has no buyers and no modules')
from accounts.user_group as g where g.key = internal.user_group_key(:'plain'::json ->> 'id');
select ok(
  g.has_all_buyers and not exists (select from accounts.user_group_buyer as b where b.user_group_key = g.key),
  'a group of all buyers has no list')
from accounts.user_group as g where g.key = internal.user_group_key(:'all'::json ->> 'id');
select is(
  (select jsonb_agg(jsonb_build_object('action', r.action, 'actor', r.actor, 'role', r.database_role,
      'account', internal.account_id(r.account_key)))
    from accounts.audit_record as r where r.object_id = :'answer'::json ->> 'id'),
  jsonb_build_array(jsonb_build_object('action', 'user_group.created', 'actor', '{"name": "accountsd_dba"}'::jsonb,
    'role', 'accountsd_dba', 'account', :'vendor')),
  'there is one audit record');

select pg_temp.contents() as before, internal.account_id(99999998) as nowhere, internal.buyer_id(99999998) as no_buyer,
  internal.module_id(9998) as no_module \gset
set local role accountsd_dba;
select is(
  pg_temp.problem(format('select api.create_user_group(%L)', pg_temp.of_account(:'client', g.fields))),
  '{"sqlstate": "PT409", "message": "The account has a group of this name, or a default group, already.",
    "errors": null}',
  g.name)
from (values
  ('{"name": "Everyone"}'::jsonb, 'a name is given once in an account'),
  ('{"name": " Everyone "}', 'blanks do not make it another'),
  ('{"name": "Second default", "isDefault": true}', 'an account has one default group')
) as g (fields, name);
select is(pg_temp.problem(format('select api.create_user_group(%L)', t.request)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{}'::jsonb, '{"account": ["is required"], "name": ["is required"]}'::jsonb, 'account and name are required'),
  (pg_temp.of_account(:'nowhere', '{"name": "A"}'), '{"account.id": ["is not an account"]}',
    'the account must be there'),
  (pg_temp.of_account(:'client', '{"name": "A", "buyers": [], "modules": []}'),
    '{"buyers": ["is empty"], "modules": ["is empty"]}', 'a list that is given is not empty'),
  (pg_temp.of_account(:'client', '{"name": "A", "buyers": {}, "modules": [1, {}, {"id": "MOD-1"}]}'),
    '{"buyers": ["is not an array"], "modules[0]": ["is not an object"], "modules[1].id": ["is required"],
      "modules[2].id": ["is not a module id"]}', 'a list has objects with ids'),
  (pg_temp.of_account(:'client', '{"name": "A"}') || jsonb_build_object('buyers', pg_temp.ids(:'partner')),
    '{"buyers[0].id": ["is not a buyer of this account"]}', 'a buyer of another account is refused'),
  (pg_temp.of_account(:'client', '{"name": "A"}') || jsonb_build_object('buyers', pg_temp.ids(:'no_buyer')),
    '{"buyers[0].id": ["is not a buyer of this account"]}', 'an unknown buyer is the same mistake'),
  (pg_temp.of_account(:'client', '{"name": "A"}')
      || jsonb_build_object('buyers', pg_temp.ids(:'north', :'south', :'north')),
    '{"buyers[2].id": ["is given more than once"]}', 'a buyer is given once'),
  (pg_temp.of_account(:'client', '{"name": "A", "allBuyers": true}')
    || jsonb_build_object('buyers', pg_temp.ids(:'north')),
    '{"buyers": ["cannot be given together with allBuyers"]}', 'buyers are a list or all'),
  (pg_temp.of_account(:'client', '{"name": "A", "allBuyers": true}') || jsonb_build_object(
      'buyers', pg_temp.ids(:'north', :'partner', :'no_buyer'), 'modules', pg_temp.ids(:'no_module', :'orders')),
    '{"buyers": ["cannot be given together with allBuyers"], "buyers[1].id": ["is not a buyer of this account"],
      "buyers[2].id": ["is not a buyer of this account"], "modules[0].id": ["is not a module"]}',
    'every unknown id is reported at once'),
  (pg_temp.of_account(:'client', '{"name": " ", "isDefault": "yes", "allBuyers": 1, "logo": 2, "colour": 3}'),
    '{"name": ["is empty"], "isDefault": ["is not true or false"], "allBuyers": ["is not true or false"],
      "logo": ["is not a string"], "colour": ["is not a known field"]}', 'every mistake of shape is reported at once'),
  ('[]', '{"$": ["is not an object"]}', 'a request is an object')
) as t (request, errors, name);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_server;
select throws_ok($$ select api.create_user_group('{}') $$, '42501', null, 'the server may not');
reset role;

select * from finish();
rollback;
