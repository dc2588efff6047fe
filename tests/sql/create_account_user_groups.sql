-- The groups of an invitation, and the mistakes that a request for one can have.
begin;
\ir lib/fixture.sql
select plan(20);

select internal.account_id(99999998) as nowhere, internal.user_group_id(99999998) as no_group,
  internal.api_token_id(99999998) as no_token \gset

set local role accountsd_server;
select api.create_account_user(pg_temp.invitation('bob@example.com'), :'client_token') as by_default \gset
select is(
  :'by_default'::jsonb #> '{groups}' -> 0 ->> 'id' || jsonb_array_length(:'by_default'::jsonb -> 'groups'),
  :'client_everyone' || 1, 'without groups it is the default group');
select api.create_account_user(
  pg_temp.invitation('bea@example.com') || '{"groups": null, "account": null, "invitation": null}', :'client_token')
  as with_nulls \gset
select is(:'with_nulls'::jsonb -> 'groups', :'by_default'::jsonb -> 'groups', 'null counts as left out');
select api.create_account_user(
  pg_temp.invitation('bill@example.com') || '{"account": {"id": null}, "invitation": {"status": null}}',
  :'client_token')
  as with_inner_nulls \gset
select is(
  :'with_inner_nulls'::jsonb #>> '{account,id}', :'client', 'so does null inside of an object');
reset role;
select pg_temp.contents() as before \gset
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('carl@example.com'), :'vendor_token'),
  pg_temp.invalid('{"groups": ["is required: the account has no default group"]}'),
  'without groups and default group the request is refused');
select is(
  pg_temp.invite_problem(pg_temp.invitation('carl@example.com', groups => pg_temp.ids(:'no_group')), :'client_token'),
  pg_temp.invalid('{"groups[0].id": ["is not a group of this account"]}'), 'an unknown group is refused');
select is(
  pg_temp.invite_problem(pg_temp.invitation('carl@example.com', groups => pg_temp.ids(:'vendor_sales')),
    :'client_token'),
  pg_temp.invalid('{"groups[0].id": ["is not a group of this account"]}'),
  'a group of another account is the same mistake');
select is(
  pg_temp.invite_problem(
    pg_temp.invitation('carl@example.com', :'client', pg_temp.ids(:'vendor_sales')), :'operations_token'),
  pg_temp.invalid('{"groups[0].id": ["is not a group of this account"]}'), 'for those who see both accounts too');
select is(
  pg_temp.invite_problem(
    pg_temp.invitation('carl@example.com', groups => pg_temp.ids(:'no_group', :'client_everyone', :'vendor_sales')),
    :'client_token'),
  pg_temp.invalid('{"groups[0].id": ["is not a group of this account"],
    "groups[2].id": ["is not a group of this account"]}'),
  'every unknown group is reported at once');
select is(
  pg_temp.invite_problem(t.request, :'client_token'), pg_temp.invalid(t.errors), t.name)
from (values
  (pg_temp.invitation('carl@example.com', groups => '[]'), '{"groups": ["is empty"]}'::jsonb, 'groups are not empty'),
  (pg_temp.invitation('carl@example.com', groups => pg_temp.ids(:'client_everyone', :'client_everyone')),
    '{"groups[1].id": ["is given more than once"]}', 'a group is given once'),
  (pg_temp.invitation('carl@example.com', groups => (select pg_temp.ids(variadic array_agg(internal_id))
      from (select 'UGR-0000-' || lpad(n::text, 4, '0') from generate_series(1, 101) as n) as g (internal_id))),
    '{"groups": ["has more than 100 items"]}', 'groups are 100 at most'),
  ('{}', '{"user": ["is required"]}', 'the user is required'),
  ('null', '{"$": ["is not an object"]}', 'a request is an object'),
  ('{"user": {}}',
    '{"user.email": ["is required"], "user.firstName": ["is required"], "user.lastName": ["is required"]}',
    'address and names are required'),
  ('{"user": {"email": "carl", "firstName": " ", "lastName": 7,
      "phone": {"prefix": "44", "number": "12-34", "area": "1"},
      "settings": {"cultureCode": "en_GB", "languageCode": ""}, "age": 7}, "account": {"id": "ACC-1"},
      "groups": [{"id": "UGR-1"}, 7, {}], "invitation": {"status": "Active"}, "colour": "red"}',
    '{"user.email": ["is not an email address"], "user.firstName": ["is empty"], "user.lastName": ["is not a string"],
      "user.phone.prefix": ["is not + and 1 to 4 digits"], "user.phone.number": ["is not 1 to 15 digits"],
      "user.phone.area": ["is not a known field"],
      "user.settings.cultureCode": ["is not a language tag such as en-US"],
      "user.settings.languageCode": ["is not a language tag such as en-US"],
      "user.age": ["is not a known field"], "account.id": ["is not an account id"],
      "groups[0].id": ["is not a user group id"], "groups[1]": ["is not an object"], "groups[2].id": ["is required"],
      "invitation.status": ["is not Invited"], "colour": ["is not a known field"]}',
    'every mistake of shape is reported at once')
) as t (request, errors, name);
select is(
  pg_temp.invite_problem(null, :'client_token'), pg_temp.invalid('{"$": ["is not an object"]}'),
  'a request is not left out');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_dba;
select pg_temp.ids(variadic array_agg(
    api.create_user_group(pg_temp.of_account(:'client', jsonb_build_object('name', 'Group ' || n))) ->> 'id'))
  as hundred
from generate_series(1, 100) as n \gset
select api.create_account_user(pg_temp.invitation('many@example.com', :'client', :'hundred')) as many \gset
select is(
  (select jsonb_agg(jsonb_build_object('id', g.item -> 'id') order by g.item ->> 'id')
    from jsonb_array_elements(:'many'::jsonb -> 'groups') as g (item)),
  (select jsonb_agg(g.item order by g.item ->> 'id') from jsonb_array_elements(:'hundred') as g (item)),
  'a person may be invited into 100 groups');
select is(:'many'::jsonb -> 'buyers', '[]', 'groups without buyers give no buyers');
select is(:'many'::jsonb -> 'modules', '[]', 'groups without modules give no modules');

select * from finish();
rollback;
