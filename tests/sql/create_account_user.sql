begin;
\ir lib/fixture.sql
select plan(66);

-- Every path of a JSON value, with the type of the value there.
create function pg_temp.paths(value json)
returns text[]
language sql
as $$
  with recursive node (path, value) as (
    select '', value::jsonb
    union all
    select n.path || child.step, child.value
    from node as n
    cross join lateral (
      select '.' || m.key, m.value
      from jsonb_each(case jsonb_typeof(n.value) when 'object' then n.value else '{}' end) as m
      union all
      select '[]', i.value
      from jsonb_array_elements(case jsonb_typeof(n.value) when 'array' then n.value else '[]' end) as i (value)
    ) as child (step, value)
  )
  select array_agg(distinct substr(n.path, 2) || ' ' || jsonb_typeof(n.value)) from node as n where n.path <> ''
$$;

select internal.account_id(99999998) as nowhere, internal.user_group_id(99999998) as no_group,
  internal.api_token_id(99999998) as no_token \gset

-- A first invitation by a DBA.
set local role accountsd_dba;
select api.configure('{"invitation.urlBase": "https://portal.example/welcome", "invitation.lifetime": "2 days"}')
  \gset ignored_
select api.create_account_user(
  jsonb_build_object(
    'user', '{"email": "Ada.Lovelace@Example.com", "firstName": "  Ada ", "lastName": "\u00a0Lovelace\u3000",
      "phone": {"prefix": "+44", "number": "2071234567"},
      "settings": {"cultureCode": "en-GB", "languageCode": "en"}}'::jsonb,
    'account', jsonb_build_object('id', :'client'),
    'groups', pg_temp.ids(:'client_northern', :'client_everyone'),
    'invitation', '{"status": "Invited"}'::jsonb),
  null, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01') as answer \gset
reset role;
select :'answer'::json ->> 'id' as id, :'answer'::json #>> '{user,id}' as person, pg_temp.code(:'answer') as code \gset

select is(
  array(select p from unnest(pg_temp.paths(:'answer')) as p order by p collate "C"),
  array(select p from unnest(array[
    'id string',
    'audit object',
    'audit.created object', 'audit.created.at string', 'audit.created.by object', 'audit.created.by.name string',
    'audit.updated object', 'audit.updated.at string', 'audit.updated.by object', 'audit.updated.by.name string',
    'audit.invitationAcceptedAt null',
    'audit.access object', 'audit.access.at null',
    'audit.joined object', 'audit.joined.at null',
    '$meta object', '$meta.omitted array',
    'user object', 'user.id string', 'user.icon null', 'user.name string',
    'groups array', 'groups[] object', 'groups[].id string', 'groups[].name string', 'groups[].description string',
    'groups[].description null', 'groups[].logo string', 'groups[].logo null', 'groups[].isDefault boolean',
    'buyers array', 'buyers[] object', 'buyers[].id string', 'buyers[].icon string', 'buyers[].icon null',
    'buyers[].name string',
    'modules array', 'modules[] object', 'modules[].id string', 'modules[].description string',
    'modules[].description null', 'modules[].name string', 'modules[].filters object',
    'modules[].filters.group.buyers array', 'modules[].filters.group.buyers[] string', 'modules[].settings object',
    'modules[].settings.configurable boolean', 'modules[].settings.default boolean', 'modules[].settings.paid boolean',
    'modules[].settings.type array', 'modules[].settings.type[] string', 'modules[].settings.obsolete boolean',
    'modules[].settings.eligibility object', 'modules[].settings.eligibility.multi boolean',
    'modules[].settings.eligibility.single boolean',
    'account object', 'account.id string', 'account.icon string', 'account.type string', 'account.status string',
    'account.name string',
    'invitation object', 'invitation.url string', 'invitation.status string',
    'lastLoginAt null']) as p order by p collate "C"),
  'the response has every documented field with its type, and no other');
select is(
  array(select json_object_keys(:'answer')),
  array['id', 'audit', '$meta', 'user', 'groups', 'buyers', 'modules', 'account', 'invitation', 'lastLoginAt'],
  'the fields come in the order of the page');
select matches(:'id'::text, '^AUSR-[0-9]{4}-[0-9]{4}-[0-9]{4}$', 'id is an account user''s');
select is(
  :'answer'::jsonb -> 'audit',
  jsonb_build_object(
    'created', jsonb_build_object('at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'by', '{"name": "accountsd_dba"}'::jsonb),
    'updated', jsonb_build_object('at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'by', '{"name": "accountsd_dba"}'::jsonb),
    'invitationAcceptedAt', null, 'access', '{"at": null}'::jsonb, 'joined', '{"at": null}'::jsonb),
  'audit says when and by which role, and nothing that is not known yet');
select is(:'answer'::jsonb -> '$meta', '{"omitted": []}', 'nothing is omitted');
select matches(:'person'::text, '^USR-[0-9]{4}-[0-9]{4}$', 'user.id is a person''s');
select is(
  :'answer'::jsonb -> 'user', jsonb_build_object('id', :'person', 'icon', null, 'name', 'Ada Lovelace'),
  'user has the name, trimmed, and no icon');
select is(
  :'answer'::jsonb -> 'groups',
  jsonb_build_array(
    jsonb_build_object('id', :'client_everyone', 'name', 'Everyone', 'description', 'All of us', 'logo', 'all.png',
      'isDefault', true),
    jsonb_build_object('id', :'client_northern', 'name', 'Northern', 'description', null, 'logo', null,
      'isDefault', false)),
  'groups are those given');
select is(
  :'answer'::jsonb -> 'buyers',
  jsonb_build_array(
    jsonb_build_object('id', :'north', 'icon', 'north.png', 'name', 'North'),
    jsonb_build_object('id', :'south', 'icon', null, 'name', 'South')),
  'buyers are those that the groups reach, each once');
select is(
  :'answer'::jsonb -> 'modules',
  jsonb_build_array(
    jsonb_build_object('id', :'catalog', 'description', 'Products', 'name', 'Fixture Catalog',
      'filters', jsonb_build_object('group.buyers', jsonb_build_array(:'north', :'south')),
      'settings', '{"configurable": true, "default": true, "paid": false, "type": ["Sales", "Support"],
        "obsolete": false, "eligibility": {"multi": true, "single": false}}'::jsonb),
    jsonb_build_object('id', :'orders', 'description', null, 'name', 'Fixture Orders',
      'filters', jsonb_build_object('group.buyers', jsonb_build_array(:'north', :'south')),
      'settings', '{"configurable": false, "default": false, "paid": false, "type": [],
        "obsolete": false, "eligibility": {"multi": true, "single": true}}'::jsonb),
    jsonb_build_object('id', :'billing', 'description', null, 'name', 'Fixture Billing',
      'filters', jsonb_build_object('group.buyers', jsonb_build_array(:'north')),
      'settings', '{"configurable": false, "default": false, "paid": false, "type": [],
        "obsolete": false, "eligibility": {"multi": true, "single": true}}'::jsonb)),
  'modules are those that the groups reach, each once, with the buyers of the groups that have it');
select is(
  :'answer'::jsonb -> 'account',
  jsonb_build_object('id', :'client', 'icon', 'client.png', 'type', 'Client', 'status', 'Active',
    'name', 'Fixture Client'),
  'account is the requested one');
select is(:'answer'::json #>> '{invitation,status}', 'Invited', 'the invitation is open');
select is(
  :'answer'::json #>> '{invitation,url}', 'https://portal.example/welcome/' || :'id' || '/' || :'code',
  'its url is the base, the account user and the code');
select matches(:'code'::text, '^[A-Za-z0-9_-]{43}$', 'the code is 43 characters of base64url');

-- The rows written.
select is(
  (select jsonb_strip_nulls(to_jsonb(p) - 'key') from accounts.person as p
    where p.key = internal.person_key(:'person')),
  jsonb_build_object('email_key', 'ada.lovelace@example.com', 'created_at', now()),
  'the person has the key of the address, and no profile yet');
select is(
  (select to_jsonb(u) from accounts.account_user as u where u.key = internal.account_user_key(:'id')),
  jsonb_build_object('key', internal.account_user_key(:'id'), 'account_key', internal.account_key(:'client'),
    'person_key', internal.person_key(:'person'), 'email', 'Ada.Lovelace@Example.com', 'first_name', 'Ada',
    'last_name', 'Lovelace', 'icon', null, 'phone_prefix', '+44', 'phone_number', '2071234567',
    'culture_code', 'en-GB', 'language_code', 'en', 'sort_name', 'ADA LOVELACE', 'status', 'Invited',
    'created_at', now(), 'created_by', '{"name": "accountsd_dba"}'::jsonb,
    'updated_at', now(), 'updated_by', '{"name": "accountsd_dba"}'::jsonb,
    'invitation_accepted_at', null, 'joined_at', null, 'access_at', null, 'last_login_at', null),
  'the membership has the address as typed and the rest of what was said of the person');
select set_eq(
  format('select internal.user_group_id(user_group_key) from accounts.account_user_group where account_user_key = %s',
    internal.account_user_key(:'id')),
  array[:'client_everyone', :'client_northern'], 'the links are the groups');
select is(
  (select jsonb_agg(to_jsonb(i) - '{key,mail_code_sha256s}'::text[]) from accounts.invitation as i
    where i.account_user_key = internal.account_user_key(:'id')),
  jsonb_build_array(jsonb_build_object('account_user_key', internal.account_user_key(:'id'),
    'status', 'Open', 'code_sha256', sha256(convert_to(:'code', 'UTF8')),
    'sent_at', now(), 'expires_at', now() + interval '2 days', 'closed_at', null,
    'invited_by', '{"name": "accountsd_dba"}'::jsonb)),
  'one invitation is open, expires as configured and has the SHA-256 of the code');
select is(
  (select jsonb_agg(to_jsonb(o) - 'key' - 'invitation_key' - 'account_user_key') from accounts.outbox as o
    join accounts.invitation as i on i.key = o.invitation_key
    where i.account_user_key = internal.account_user_key(:'id')),
  jsonb_build_array(jsonb_build_object('topic', 'invitation.mail', 'created_at', now(), 'delivery', 'Queued',
    'due_at', now(), 'attempts', 0, 'unresolved_attempts', 0, 'uncounted_attempts', 0, 'claimed_at', null,
    'finished_at', null, 'reason', null)),
  'one mail is queued');
select is(
  (select jsonb_agg(to_jsonb(r) - 'key') from accounts.audit_record as r where r.object_id = :'id'),
  jsonb_build_array(jsonb_build_object('at', now(), 'action', 'account_user.invited',
    'actor', '{"name": "accountsd_dba"}'::jsonb, 'database_role', 'accountsd_dba',
    'trace_id', '4bf92f3577b34da6a3ce929d0e0e4736', 'object_id', :'id',
    'account_key', internal.account_key(:'client'))),
  'one audit record has the actor, the role and the trace id');
select is(
  pg_temp.tables_with('Ada.Lovelace@Example.com'), array['accounts.account_user'],
  'the address as typed is kept with the membership alone');
select is(
  pg_temp.tables_with(encode(sha256(convert_to(:'code', 'UTF8')), 'hex')), array['accounts.invitation'],
  'the hash of the code is kept with the invitation alone');
select is(pg_temp.tables_with(:'code'), '{}'::text[], 'the code is in no column of any table');

-- An existing person is found for every spelling of the address, and each inviter sees what they entered.
set local role accountsd_dba;
select api.create_account_user(
  jsonb_set(pg_temp.invitation(e'zo\u00eb@example.com', :'vendor', pg_temp.ids(:'vendor_sales')), '{user,phone}',
    '{"prefix": "+1", "number": null}')) as zoe \gset
select api.create_account_user(
  jsonb_build_object('account', jsonb_build_object('id', :'client'), 'user', jsonb_build_object(
    'email', e'ZOE\u0308@EXAMPLE.com', 'firstName', 'Other', 'lastName', 'Name',
    'phone', '{"prefix": "+2", "number": "3"}'::jsonb, 'settings', '{"languageCode": "fr"}'::jsonb))) as zoe_again \gset
reset role;
select is(
  :'zoe_again'::jsonb -> 'user',
  jsonb_build_object('id', :'zoe'::jsonb #> '{user,id}', 'icon', null, 'name', 'Other Name'),
  'a second account finds the person, in other case and decomposed, and is shown the name that it gave');
select isnt(:'zoe_again'::json ->> 'id', :'zoe'::json ->> 'id', 'the second account has a membership of its own');
select is(
  (select jsonb_agg(
      jsonb_build_array(u.email, u.first_name, u.phone_prefix, u.phone_number, u.language_code) order by u.key)
    from accounts.account_user as u where u.person_key = internal.person_key(:'zoe'::json #>> '{user,id}')),
  jsonb_build_array(jsonb_build_array(e'zo\u00eb@example.com', 'Ada', '+1', null, null),
    jsonb_build_array(e'ZO\u00cb@EXAMPLE.com', 'Other', '+2', '3', 'fr')),
  'each membership has the data of its inviter');
select is(
  (select array_agg(u.account_key order by u.account_key) from accounts.account_user as u
    where u.person_key = internal.person_key(:'zoe'::json #>> '{user,id}')),
  array[internal.account_key(:'client'), internal.account_key(:'vendor')], 'the person is a member of both accounts');

-- Invited again while the invitation is open.
update accounts.account_user
set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour'
where key = internal.account_user_key(:'id');
update accounts.invitation
set sent_at = now() - interval '1 hour'
where account_user_key = internal.account_user_key(:'id');
set local role accountsd_dba;
select api.configure('{"invitation.lifetime": "3 days"}') \gset ignored_
set local role accountsd_server;
select api.create_account_user(
  pg_temp.invitation('ADA.LOVELACE@example.com', groups => pg_temp.ids(:'client_northern', :'client_southern')),
  :'client_token') as again \gset
reset role;
select pg_temp.code(:'again') as second_code,
  jsonb_build_object('id', split_part(:'client_token', ':', 1), 'name', 'Client token', 'icon', 'token.png')
    as client_actor
\gset
select is(:'again'::json ->> 'id', :'id', 'a re-invite answers with the same id');
select is(:'again'::jsonb -> 'user', :'answer'::jsonb -> 'user', 'and the same person');
select is(
  array(select g ->> 'id' from jsonb_array_elements(:'again'::jsonb -> 'groups') as g),
  array[:'client_northern', :'client_southern'], 'the groups are those of the re-invite');
select set_eq(
  format('select internal.user_group_id(user_group_key) from accounts.account_user_group where account_user_key = %s',
    internal.account_user_key(:'id')),
  array[:'client_northern', :'client_southern'], 'the links are replaced');
select is(
  array(select m -> 'name' || (m #> '{filters,group.buyers}')
    from jsonb_array_elements(:'again'::jsonb -> 'modules') as m),
  array[
    jsonb_build_array('Fixture Orders', :'north', :'south'), jsonb_build_array('Fixture Billing', :'north')],
  'the modules and their buyers follow the groups');
select is(
  :'again'::jsonb #> '{audit,created}',
  jsonb_build_object(
    'at', internal.timestamp_text(now() - interval '1 hour'), 'by', '{"name": "accountsd_dba"}'::jsonb),
  'who made the membership and when stays');
select is(
  :'again'::jsonb #> '{audit,updated}',
  jsonb_build_object('at', internal.timestamp_text(now()), 'by', :'client_actor'::jsonb),
  'who changed it and when is the token, now');
select isnt(:'second_code'::text, :'code', 'the code is new');
select is(:'again'::jsonb -> '$meta', '{"omitted": []}', 'and is given');
select is(
  (select jsonb_agg(to_jsonb(i) - '{key,account_user_key,mail_code_sha256s}'::text[] order by i.key)
    from accounts.invitation as i
    where i.account_user_key = internal.account_user_key(:'id')),
  jsonb_build_array(
    jsonb_build_object('status', 'Superseded', 'code_sha256', sha256(convert_to(:'code', 'UTF8')),
      'sent_at', now() - interval '1 hour', 'expires_at', now() + interval '2 days', 'closed_at', now(),
      'invited_by', '{"name": "accountsd_dba"}'::jsonb),
    jsonb_build_object('status', 'Open', 'code_sha256', sha256(convert_to(:'second_code', 'UTF8')),
      'sent_at', now(), 'expires_at', now() + interval '3 days', 'closed_at', null,
      'invited_by', :'client_actor'::jsonb)),
  'the old invitation is superseded and a new one is open with a new expiry');
select is(
  (select array_agg(i.status::text order by o.key) from accounts.outbox as o
    join accounts.invitation as i on i.key = o.invitation_key
    where i.account_user_key = internal.account_user_key(:'id')),
  array['Superseded', 'Open'], 'another mail is queued');
select is(
  (select jsonb_agg(to_jsonb(r) - 'key' - 'at' order by r.key desc) -> 0 from accounts.audit_record as r
    where r.object_id = :'id'),
  jsonb_build_object('action', 'account_user.invited_again', 'actor', :'client_actor'::jsonb,
    'database_role', 'accountsd_server', 'trace_id', null, 'object_id', :'id',
    'account_key', internal.account_key(:'client')),
  'an audit record has the token as the actor beside the database role');
select is(
  pg_temp.tables_with(:'second_code') || pg_temp.tables_with(split_part(:'client_bearer', ':', 3)), '{}'::text[],
  'neither the code nor the secret of the token is in any table');
set local role accountsd_server;
select is(
  array(select g ->> 'id' from json_array_elements(
    api.create_account_user(pg_temp.invitation('ada.lovelace@example.com'), :'client_token') -> 'groups') as g),
  array[:'client_everyone'], 'a re-invite without groups replaces them by the default group');
reset role;

-- Invited again after the invitation has expired.
update accounts.invitation
set sent_at = now() - interval '9 days', expires_at = now() - interval '2 days'
where account_user_key = internal.account_user_key(:'id') and status = 'Open';
set local role accountsd_server;
select api.create_account_user(pg_temp.invitation('ada.lovelace@example.com'), :'client_token') as renewed \gset
reset role;
select is(
  jsonb_build_array(:'renewed'::json ->> 'id', :'renewed'::json #>> '{invitation,status}'),
  jsonb_build_array(:'id', 'Invited'), 'an expired invitation is renewed on the same membership');
select is(
  (select jsonb_agg(jsonb_build_array(i.status, i.expires_at > now()) order by i.key) from accounts.invitation as i
    where i.account_user_key = internal.account_user_key(:'id')),
  '[["Superseded", true], ["Superseded", true], ["Expired", false], ["Open", true]]',
  'the expired invitation is kept as expired');

-- Active.
update accounts.account_user
set status = 'Active', invitation_accepted_at = now(), joined_at = now()
where key = internal.account_user_key(:'id');
update accounts.invitation
set status = 'Accepted', closed_at = now()
where account_user_key = internal.account_user_key(:'id') and status = 'Open';
select pg_temp.contents() as before,
  '{"sqlstate": "PT409", "message": "The person is an active user of the account already.", "errors": null}'
    as is_active
\gset
set local role accountsd_server;
select is(
  pg_temp.invite_problem(
    pg_temp.invitation('Ada.Lovelace@example.com', groups => pg_temp.ids(:'client_southern')), :'client_token'),
  :'is_active', 'an active member is not invited again');
select is(
  pg_temp.invite_problem(pg_temp.invitation('ada.lovelace@example.com', :'client'), :'operations_token'), :'is_active',
  'not by an Operations token either');
set local role accountsd_dba;
select is(
  pg_temp.invite_problem(pg_temp.invitation('ada.lovelace@example.com', :'client')), :'is_active', 'nor by a DBA');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');
set local role accountsd_dba;
select isnt(
  api.create_account_user(
    pg_temp.invitation('ada.lovelace@example.com', :'vendor', pg_temp.ids(:'vendor_sales'))) ->> 'id',
  :'id', 'an active member of one account may be invited into another');
reset role;

-- Removed.
update accounts.account_user set status = 'Removed' where key = internal.account_user_key(:'id');
set local role accountsd_server;
select api.create_account_user(
  pg_temp.invitation('ada.lovelace@example.com', groups => pg_temp.ids(:'client_southern')), :'client_token')
  as returned \gset
reset role;
select is(
  jsonb_build_array(:'returned'::json ->> 'id', :'returned'::json #>> '{user,id}',
    :'returned'::json #>> '{invitation,status}'),
  jsonb_build_array(:'id', :'person', 'Invited'), 'a removed member is invited again, under the same ids');
select is(
  (:'returned'::jsonb -> 'audit') - 'created' - 'updated',
  '{"invitationAcceptedAt": null, "access": {"at": null}, "joined": {"at": null}}',
  'of whom it is not known yet that they accept');
select is(
  (select jsonb_agg(i.status order by i.key) from accounts.invitation as i
    where i.account_user_key = internal.account_user_key(:'id')),
  '["Superseded", "Superseded", "Expired", "Accepted", "Open"]', 'the history of the invitations is kept');
select is(
  array(select g ->> 'id' from jsonb_array_elements(:'returned'::jsonb -> 'groups') as g), array[:'client_southern'],
  'the groups are those of the new invitation');

-- Trace context.
set local role accountsd_dba;
create temp table traced as
select t.traceparent, t.trace_id, api.create_account_user(
  pg_temp.invitation('trace' || t.n || '@example.com', :'client'), null, t.traceparent) ->> 'id' as id
from (values
  (1, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', '0af7651916cd43dd8448eb211c80319c'),
  (2, 'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later', '0af7651916cd43dd8448eb211c80319c'),
  (3, null, null),
  (4, '', null),
  (5, 'nonsense', null),
  (6, '00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01', null),
  (7, '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', null),
  (8, '00-00000000000000000000000000000000-b7ad6b7169203331-01', null),
  (9, 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', null),
  (10, '00-0af7651916cd43dd8448eb211c80319c-', null),
  (11, '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', null),
  (12, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', null)
) as t (n, traceparent, trace_id);
reset role;
select is(r.trace_id, t.trace_id, format('the trace id of %L is %L', t.traceparent, t.trace_id))
from traced as t
join accounts.audit_record as r on r.object_id = t.id;

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
set local role accountsd_dba;
select api.create_account_user(pg_temp.invitation('undone@example.com', :'client')) ->> 'id' as undone \gset
reset role;
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select ok(:'has_written', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing, no mail and no audit record');

select * from finish();
rollback;
