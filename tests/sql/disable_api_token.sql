begin;
\ir lib/fixture.sql
select plan(15);

select split_part(:'client_token', ':', 1) as id, internal.api_token_id(99999998) as unknown \gset

set local role accountsd_server;
select lives_ok(
  format('select api.create_account_user(%L, %L)', pg_temp.invitation('ada@example.com'), :'client_token'),
  'a token works until it is disabled');
set local role accountsd_dba;
select api.disable_api_token(:'id') as answer \gset
reset role;

select is(
  :'answer'::jsonb, jsonb_build_object('id', :'id', 'name', 'Client token', 'icon', 'token.png', 'status', 'Disabled'),
  'the answer is the token, disabled, without its secret');
select is(
  array(select json_object_keys(:'answer')), array['id', 'name', 'icon', 'status'], 'the answer has no other field');
select ok(t.status = 'Disabled' and t.disabled_at = now(), 'the row says so, and since when')
from accounts.api_token as t where t.key = internal.api_token_key(:'id');
select is(
  (select jsonb_agg(jsonb_build_object('actor', r.actor, 'role', r.database_role,
      'account', internal.account_id(r.account_key)))
    from accounts.audit_record as r where r.object_id = :'id' and r.action = 'api_token.disabled'),
  jsonb_build_array(jsonb_build_object('actor', '{"name": "accountsd_dba"}'::jsonb, 'role',
    'accountsd_dba', 'account', :'client')),
  'there is one audit record');
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('bob@example.com'), :'client_token') ->> 'sqlstate', 'PT401',
  'the next request with the token is refused');
select is(
  pg_temp.invite_problem(pg_temp.invitation('bob@example.com', groups => pg_temp.ids(:'vendor_sales')),
    :'vendor_token'),
  null, 'another token still works');
reset role;

update accounts.api_token set disabled_at = now() - interval '1 day' where key = internal.api_token_key(:'id');
select pg_temp.contents() as before \gset
set local role accountsd_dba;
select is(api.disable_api_token(:'id')::jsonb, :'answer', 'disabling again gives the same answer');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and changes nothing');

update accounts.api_token set status = 'Deleted' where key = internal.api_token_key(:'id');
set local role accountsd_dba;
select is(api.disable_api_token(:'id') ->> 'status', 'Deleted', 'a deleted token stays deleted');
select is(
  pg_temp.problem(format('select api.disable_api_token(%L)', t.id)),
  '{"sqlstate": "PT404", "message": "There is no such API token.", "errors": null}', t.name)
from (values
  (:'unknown', 'an unknown token is not found'),
  ('TKN-1', 'nor is an id of the wrong shape'),
  (:'client', 'nor is the id of something else'),
  (null, 'nor is null')
) as t (id, name);
set local role accountsd_server;
select throws_ok(format('select api.disable_api_token(%L)', :'id'), '42501', null, 'the server may not');
reset role;

select * from finish();
rollback;
