-- Who may invite into which account.
begin;
\ir lib/fixture.sql
select plan(43);

select internal.account_id(99999998) as nowhere, internal.user_group_id(99999998) as no_group,
  internal.api_token_id(99999998) as no_token \gset
select jsonb_build_object('id', split_part(:'client_token', ':', 1), 'name', 'Client token', 'icon', 'token.png')
  as client_actor
\gset

-- Accounts that are not Active.
set local role accountsd_dba;
select api.create_account('{"type": "Client", "status": "Disabled", "name": "Closed"}') ->> 'id' as closed,
  api.create_account('{"type": "Client", "status": "Enabled", "name": "Enabled"}') ->> 'id' as enabled \gset
select api.create_user_group(pg_temp.of_account(a, '{"name": "Everyone", "isDefault": true}')) ->> 'id' as closed_group,
  pg_temp.credential(api.create_api_token(pg_temp.of_account(a, '{"name": "Token"}')) ->> 'token') as closed_token
from (values (:'closed')) as v (a) \gset
select api.create_user_group(pg_temp.of_account(:'enabled', '{"name": "Everyone", "isDefault": true}')) \gset ignored_
select is(
  api.create_account_user(pg_temp.invitation('dan@example.com', :'enabled')) #>> '{account,status}',
  'Enabled', 'an Enabled account invites');
reset role;
select pg_temp.contents() as before,
  '{"sqlstate": "PT409", "message": "The account is disabled.", "errors": null}' as is_disabled,
  '{"sqlstate": "PT403", "message": "The caller may not act on this account.", "errors": null}' as is_forbidden,
  '{"sqlstate": "PT401", "message": "A valid API token is required.", "errors": null}' as is_unauthorized
\gset
set local role accountsd_dba;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'closed')), :'is_disabled',
  'a disabled account invites nobody, for a DBA');
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'closed'), :'operations_token'), :'is_disabled',
  'nor for an Operations token');
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com'), :'closed_token'),
  '{"sqlstate": "PT403", "message": "The account of the API token is disabled.", "errors": null}',
  'its own token is refused');
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'closed'), :'closed_token') ->> 'sqlstate', 'PT403',
  'with the account named too');

-- The accounts and groups that a token may use.
select is(pg_temp.invite_problem(pg_temp.invitation('dan@example.com', a.id, a.groups), :'client_token'),
  :'is_forbidden', a.name)
from (values
  (:'vendor', null, 'a Client token may not act on another account'),
  (:'operations', null, 'nor on the Operations account'),
  (:'nowhere', null, 'an unknown account gives the same error'),
  (:'closed', null, 'so does one that is disabled'),
  (:'vendor', pg_temp.ids(:'vendor_sales'), 'and one whose group is named rightly'),
  (:'vendor', pg_temp.ids(:'no_group'), 'or wrongly')
) as a (id, groups, name);
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'client'), :'vendor_token'), :'is_forbidden',
  'a Vendor token may not act on another account');
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'nowhere'), :'operations_token'), :'is_forbidden',
  'an Operations token gets the same response for an unknown account');
set local role accountsd_dba;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'nowhere')), :'is_forbidden', 'and so does a DBA');
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com')), pg_temp.invalid('{"account.id": ["is required"]}'),
  'a DBA without a token has to name the account');
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'client')), :'is_unauthorized',
  'the server has to bring a token');
select is(pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'client'), t.token), :'is_unauthorized', t.name)
from (values
  (split_part(:'client_token', ':', 1) || ':' || repeat('0', 64), 'a wrong secret is refused'),
  (split_part(:'client_token', ':', 1) || ':' || split_part(:'vendor_token', ':', 2), 'so is that of another token'),
  (:'no_token' || ':' || split_part(:'client_token', ':', 2), 'so is an unknown id'),
  (:'client' || ':' || split_part(:'client_token', ':', 2), 'so is the id of something else'),
  (split_part(:'client_token', ':', 1), 'so is an id alone'),
  (split_part(:'client_token', ':', 1) || ':', 'and with an empty secret'),
  (split_part(:'client_token', ':', 1) || ':' || split_part(:'client_bearer', ':', 3),
    'the secret instead of its hash'),
  (:'client_bearer', 'the bearer token as it is'),
  (:'client_token' || '00', 'a hash that is too long'),
  ('', 'an empty token'),
  (':', 'a lone colon'),
  (e'TKN-\u0661\u0662\u0663\u0664-5678:' || repeat('0', 64), 'and digits that are not ASCII')
) as t (token, name);
set local role accountsd_dba;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com', :'client'), :'no_token' || ':' || repeat('0', 64)),
  :'is_unauthorized', 'a DBA with a bad token does not fall back on the role');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'refused calls change nothing');
update accounts.api_token set status = 'Deleted', disabled_at = now()
where key = internal.api_token_key(split_part(:'vendor_token', ':', 1));
set local role accountsd_server;
select is(
  pg_temp.invite_problem(
    pg_temp.invitation('dan@example.com', groups => pg_temp.ids(:'vendor_sales')), :'vendor_token'),
  :'is_unauthorized', 'a deleted token is refused');
set local role accountsd_dba;
select api.disable_api_token(split_part(:'closed_token', ':', 1)) \gset ignored_
select pg_temp.credential(api.create_api_token(pg_temp.of_account(:'client', '{"name": "Short"}')) ->> 'token')
  as short_token \gset
select api.disable_api_token(split_part(:'short_token', ':', 1)) \gset ignored_
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com'), :'short_token'), :'is_unauthorized',
  'so is a disabled token');
select is(
  pg_temp.invite_problem(pg_temp.invitation('dan@example.com'), :'closed_token'), :'is_unauthorized',
  'of a disabled account too');

select is(
  api.create_account_user(pg_temp.invitation('eve@example.com', :'client'), :'client_token') #>> '{account,id}',
  :'client', 'a token may name its own account');
select is(
  api.create_account_user(pg_temp.invitation('eve@example.com'), :'operations_token') #>> '{account,id}', :'operations',
  'without an account it is that of the token');
select api.create_account_user(pg_temp.invitation('eve@example.com', :'vendor', pg_temp.ids(:'vendor_sales')),
  :'operations_token') as by_operations \gset
select is(:'by_operations'::json #>> '{account,id}', :'vendor', 'an Operations token acts on every account');
reset role;
select is(
  :'by_operations'::jsonb #> '{audit,created,by}',
  jsonb_build_object('id', split_part(:'operations_token', ':', 1), 'name', 'Operations token', 'icon', null),
  'the actor is the token');
select is(
  (select jsonb_agg(jsonb_build_array(r.actor, r.database_role)) from accounts.audit_record as r
    where r.object_id = :'by_operations'::json ->> 'id'),
  jsonb_build_array(jsonb_build_array(:'by_operations'::jsonb #> '{audit,created,by}', 'accountsd_server')),
  'in the audit too, beside the database role');
set local role accountsd_dba;
select is(
  api.create_account_user(pg_temp.invitation('fay@example.com'), :'client_token')::jsonb #> '{audit,created,by}',
  :'client_actor', 'a DBA with a token acts as the token');
reset role;
create role accountsd_test_dba in role accountsd_dba;
create role accountsd_test_stranger;
grant usage on schema api to accountsd_test_stranger;
grant execute on function api.create_account_user(jsonb, text, text, text, text) to accountsd_test_stranger;
set local session authorization accountsd_test_dba;
select api.create_account_user(pg_temp.invitation('gil@example.com', :'client')) as by_name \gset
reset session authorization;
select is(
  :'by_name'::jsonb #> '{audit,created,by}', '{"name": "accountsd_test_dba"}',
  'a DBA who logged in acts under the own name');
select is(
  (select jsonb_agg(jsonb_build_array(r.actor, r.database_role)) from accounts.audit_record as r
    where r.object_id = :'by_name'::json ->> 'id'),
  '[[{"name": "accountsd_test_dba"}, "accountsd_test_dba"]]', 'in the audit too');
set local role accountsd_test_stranger;
select is(
  pg_temp.invite_problem(pg_temp.invitation('gil@example.com', :'client')), :'is_unauthorized',
  'a role that is no DBA''s has to bring a token even if it may call');
reset role;
update accounts.account set status = 'Disabled' where key = internal.account_key(:'operations');
set local role accountsd_server;
select is(
  pg_temp.invite_problem(pg_temp.invitation('hal@example.com', :'client'), :'operations_token') ->> 'sqlstate', 'PT403',
  'the token of a disabled Operations account is refused on every account');
reset role;

select * from finish();
rollback;
