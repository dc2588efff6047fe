begin;
\ir lib/fixture.sql
select plan(21);

set local role accountsd_dba;
select api.create_api_token(pg_temp.of_account(:'vendor', '{"name": " Robot ", "icon": "robot.png"}')) as answer \gset
select api.create_api_token(pg_temp.of_account(:'vendor', '{"name": "Robot"}')) as second \gset
reset role;
select split_part(:'answer'::json ->> 'token', ':', 3) as secret \gset

select matches(:'answer'::json ->> 'id', '^TKN-[0-9]{4}-[0-9]{4}$', 'the answer has a token id');
select is(
  :'answer'::jsonb - 'id' - 'token', '{"name": "Robot", "icon": "robot.png", "status": "Active"}',
  'the answer has what was given, the name trimmed');
select is(
  array(select json_object_keys(:'answer')), array['id', 'name', 'icon', 'status', 'token'],
  'the answer has no other field');
select is(:'second'::jsonb -> 'icon', 'null', 'without an icon it has none');
select matches(
  :'answer'::json ->> 'token', '^idt:' || (:'answer'::json ->> 'id') || ':[A-Za-z0-9_-]{43}$',
  'the token is idt, the id and a secret of 43 characters of base64url, 256 bits of text');
select isnt(:'secret', split_part(:'second'::json ->> 'token', ':', 3), 'every token has a secret of its own');
select is(
  (select jsonb_build_object('account', internal.account_id(t.account_key), 'name', t.name, 'icon', t.icon,
      'status', t.status, 'disabled', t.disabled_at, 'by', t.created_by)
    from accounts.api_token as t where t.key = internal.api_token_key(:'answer'::json ->> 'id')),
  jsonb_build_object('account', :'vendor', 'name', 'Robot', 'icon', 'robot.png', 'status', 'Active', 'disabled', null,
    'by', '{"name": "accountsd_dba"}'::jsonb),
  'the row is what the answer says, of the account given');
select is(
  (select t.proof_sha256 from accounts.api_token as t where t.key = internal.api_token_key(:'answer'::json ->> 'id')),
  sha256(convert_to(encode(sha256(convert_to(:'secret', 'UTF8')), 'hex'), 'UTF8')),
  'the row has the SHA-256 of the proof, which is the SHA-256 of the secret in hex');
select is(pg_temp.tables_with('Robot'), array['accounts.api_token'], 'a stored text is found in the tables');
select is(pg_temp.tables_with(:'secret'), '{}'::text[], 'the secret is in no column of any table');
select is(
  (select jsonb_agg(jsonb_build_object('action', r.action, 'actor', r.actor, 'role', r.database_role,
      'account', internal.account_id(r.account_key)))
    from accounts.audit_record as r where r.object_id = :'answer'::json ->> 'id'),
  jsonb_build_array(jsonb_build_object('action', 'api_token.created', 'actor', '{"name": "accountsd_dba"}'::jsonb,
    'role', 'accountsd_dba', 'account', :'vendor')),
  'there is one audit record');

set local role accountsd_server;
select lives_ok(
  format('select api.create_account_user(%L, %L)',
    pg_temp.invitation('ada@example.com', groups => pg_temp.ids(:'vendor_sales')),
    pg_temp.credential(:'answer'::json ->> 'token')),
  'the token works');
reset role;

select pg_temp.contents() as before, internal.account_id(99999998) as nowhere \gset
set local role accountsd_dba;
select is(pg_temp.problem(format('select api.create_api_token(%L)', t.request)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{}'::jsonb, '{"account": ["is required"], "name": ["is required"]}'::jsonb, 'account and name are required'),
  ('{"account": {"id": "TKN-1234-5678"}, "name": "A"}', '{"account.id": ["is not an account id"]}',
    'the account''s id has the shape of one'),
  (pg_temp.of_account(:'nowhere', '{"name": "A"}'), '{"account.id": ["is not an account"]}',
    'the account must be there'),
  (pg_temp.of_account(:'client', jsonb_build_object('name', repeat('a', 101))),
    '{"name": ["is longer than 100 characters"]}', 'the name has 100 characters at most'),
  (pg_temp.of_account(:'client', '{"name": 1, "icon": 2, "secret": "mine"}'),
    '{"name": ["is not a string"], "icon": ["is not a string"], "secret": ["is not a known field"]}',
    'every mistake is reported at once, and a secret is not accepted'),
  ('[]', '{"$": ["is not an object"]}', 'a request is an object')
) as t (request, errors, name);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves nothing');

set local role accountsd_server;
select throws_ok($$ select api.create_api_token('{}') $$, '42501', null, 'the server may not');
reset role;
select ok(
  count(distinct t.proof_sha256) = count(*), 'no two tokens share a secret') from accounts.api_token as t;

select * from finish();
rollback;
