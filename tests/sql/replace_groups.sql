-- api.replace_account_user_groups, api.replace_user_groups and api.replace_user, whose request has the groups in an
-- object.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(373);

-- The function, its kind of path, and the path of the groups in its request.
create temp table replacement as
select r.name, r.kind, r.path,
  pg_temp.invite(:'client_token', r.name || '@example.com', pg_temp.ids(:'client_everyone')) as invited,
  null::jsonb as answer
from (values
  ('replace_account_user_groups', 'account_user', ''), ('replace_user_groups', 'user', ''),
  ('replace_user', 'user', 'groups')
) as r (name, kind, path);

create function pg_temp.of_path(path text, groups jsonb)
returns jsonb
language sql
as $$
  select case path when '' then groups else jsonb_build_object(path, groups) end
$$;

create function pg_temp.replacing(r replacement, groups jsonb, token text default null)
returns text
language sql
as $$
  select pg_temp.call(r.name, r.kind, pg_temp.target(r.kind, r.invited),
    jsonb_build_object('request', pg_temp.of_path(r.path, groups), 'token', token,
      'traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'))
$$;

select count(pg_temp.let_pass('1 hour', r.invited)) from replacement as r \gset ignored_
select pg_temp.contents() as before \gset

-- Two groups replace another one.
update replacement as r
set answer = pg_temp.answer('accountsd_server',
  pg_temp.replacing(r, pg_temp.ids(:'client_southern', :'client_northern'), :'client_token'));
select is(r.answer ->> 'id', pg_temp.shown_id(r.kind, r.invited), r.name || ': the id is the one of the path')
from replacement as r;
select is(
  array[pg_temp.group_ids(r.answer), pg_temp.linked_groups(r.invited)],
  array[pg_temp.sorted(:'client_northern', :'client_southern'), pg_temp.sorted(:'client_northern', :'client_southern')],
  r.name || ': the groups are those given and no other')
from replacement as r;
select is(
  array(select b ->> 'name' from jsonb_array_elements(r.answer -> 'buyers') as b), array['North', 'South'],
  r.name || ': the buyers are theirs')
from replacement as r;
select is(
  array(select x -> 'name' || (x #> '{filters,group.buyers}') from jsonb_array_elements(r.answer -> 'modules') as x),
  array[
    jsonb_build_array('Fixture Orders', :'north', :'south'), jsonb_build_array('Fixture Billing', :'north')],
  r.name || ': so are the modules, each once')
from replacement as r;
select is(r.answer -> 'invitation', '{"status": "Invited"}', r.name || ': the invitation is as it was, without its url')
from replacement as r;
select is(r.answer -> '$meta', '{"omitted": ["invitation.url"]}', r.name || ': the omission is told')
from replacement as r;
select is(
  r.answer -> 'audit',
  jsonb_build_object(
    'created', jsonb_build_object('at', internal.timestamp_text(now() - interval '1 hour'),
      'by', pg_temp.token_actor(:'client_token')),
    'updated', pg_temp.stamp(pg_temp.token_actor(:'client_token')),
    'invitationAcceptedAt', null, 'access', '{"at": null}'::jsonb, 'joined', '{"at": null}'::jsonb),
  r.name || ': it was changed now by the token')
from replacement as r;
select is(
  pg_temp.last_record(r.invited),
  pg_temp.record('account_user.groups_replaced', pg_temp.token_actor(:'client_token'), 'accountsd_server', :'trace_id',
    r.invited),
  r.name || ': an audit record has the actor, the role and the trace id')
from replacement as r;
select is(
  (select jsonb_object_agg(c.line, c.count) from (
    select line, count(*) from unnest(pg_temp.changed_tables(:'before')) as line group by line) as c),
  '{"+ account_user": 3, "- account_user": 3, "+ account_user_group": 6, "- account_user_group": 3,
    "+ audit_record": 3, "+ outbox": 3}',
  'nothing else has changed');

-- Links that stay are not written again.
select pg_temp.contents() as before \gset
update replacement as r
set answer = pg_temp.answer('accountsd_dba',
  pg_temp.replacing(r, pg_temp.ids(:'client_northern', :'client_everyone')));
select is(
  array(select c from unnest(pg_temp.changed_tables(:'before')) as c where c like '%group'),
  array['+ account_user_group', '+ account_user_group', '+ account_user_group',
    '- account_user_group', '- account_user_group', '- account_user_group'],
  'when two groups replace two and one stays, one is added and one removed');
select is(r.answer #> '{audit,updated,by}', '{"name": "accountsd_dba"}', r.name || ': a DBA is the actor')
from replacement as r;

-- One group, and a hundred.
select is(
  pg_temp.group_ids(pg_temp.answer('accountsd_server',
    pg_temp.replacing(r, pg_temp.ids(:'client_southern'), :'operations_token'))),
  array[:'client_southern'], r.name || ': one group is enough')
from replacement as r;
set local role accountsd_dba;
select pg_temp.ids(variadic array_agg(
    api.create_user_group(pg_temp.of_account(:'client', jsonb_build_object('name', 'Group ' || n))) ->> 'id'))
  as hundred
from generate_series(1, 100) as n \gset
reset role;
select is(
  pg_temp.group_ids(pg_temp.answer('accountsd_server', pg_temp.replacing(r, :'hundred', :'client_token'))),
  array(select g ->> 'id' from jsonb_array_elements(:'hundred') as g order by 1),
  r.name || ': a hundred are not too many')
from replacement as r;
select is(
  array_length(pg_temp.linked_groups(r.invited), 1), 100, r.name || ': and are linked') from replacement as r;

-- An active member.
select count(pg_temp.accept(r.invited)) from replacement as r \gset ignored_
select is(
  pg_temp.answer('accountsd_server', pg_temp.replacing(r, pg_temp.ids(:'client_northern'), :'client_token'))
    #>> '{invitation,status}',
  'Active', r.name || ': an active member stays active')
from replacement as r;

-- Refused requests.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.replacing(r, g.groups, :'client_token')),
  pg_temp.invalid((
    select jsonb_object_agg(
      case e.key when '$' then coalesce(nullif(r.path, ''), '$') else r.path || e.key end, e.value)
    from jsonb_each(g.errors) as e)),
  format('%s: %s', r.name, g.name))
from replacement as r
cross join (values
  ('[]'::jsonb, '{"$": ["is empty"]}'::jsonb, 'at least one group is given'),
  (:'hundred' || pg_temp.ids(:'client_northern'), '{"$": ["has more than 100 items"]}',
    'a hundred and one are too many'),
  ('{"id": "UGR-0000-0000"}', '{"$": ["is not an array"]}', 'the groups are an array'),
  (pg_temp.ids(:'client_northern', :'client_southern', :'client_northern'),
    '{"[2].id": ["is given more than once"]}', 'a group is given once'),
  (pg_temp.ids(:'no_group'), '{"[0].id": ["is not a group of this account"]}', 'a group that is nobody''s is refused'),
  (pg_temp.ids(:'vendor_sales'), '{"[0].id": ["is not a group of this account"]}',
    'a group of another account is the same mistake'),
  (pg_temp.ids(:'no_group', :'client_everyone', :'vendor_sales'),
    '{"[0].id": ["is not a group of this account"], "[2].id": ["is not a group of this account"]}',
    'every unknown group is reported at once'),
  (pg_temp.ids('UGR-1', null) || '[7, {}, {"id": 7}, {"id": "UGR-0000-0000", "name": "x"}]',
    '{"[0].id": ["is not a user group id"], "[1].id": ["is required"], "[2]": ["is not an object"],
      "[3].id": ["is required"], "[4].id": ["is not a string"], "[5].name": ["is not a known field"]}',
    'every mistake of shape is reported at once')
) as g (groups, errors, name);
select is(
  pg_temp.problem_of(s.role, pg_temp.replacing(r, pg_temp.ids(:'client_everyone', :'vendor_sales'), s.token)),
  pg_temp.invalid(jsonb_build_object(r.path || '[1].id', '["is not a group of this account"]'::jsonb)),
  format('%s: a group of another account is refused for %s', r.name, s.name))
from replacement as r
cross join served as s;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call(r.name, r.kind, pg_temp.target(r.kind, r.invited),
    jsonb_build_object('request', null, 'token', :'client_token'))),
  pg_temp.invalid(jsonb_build_object('$', jsonb_build_array(
    case r.path when '' then 'is not an array' else 'is not an object' end))), r.name || ': the request is not null')
from replacement as r;
select is(pg_temp.changes(:'before'), '{}'::text[], 'a refused request leaves the groups as they were');

-- Callers.
select is(
  pg_temp.problem_of(t.role, pg_temp.call(r.name, t.kind, t.target,
    jsonb_build_object('request', pg_temp.of_path(r.path, pg_temp.ids(g.id)), 'token', t.token))),
  t.problem, format('%s: %s (%s)', r.name, t.name, g.name))
from turned_away as t
join replacement as r on r.kind = t.kind
cross join (values (:'client_southern', 'with a group of the account'), (:'vendor_sales', 'with a group of another'))
  as g (id, name);
select is(pg_temp.changes(:'before'), '{}'::text[], 'who is turned away changes nothing');
select is(
  jsonb_build_array(
    pg_temp.answer(s.role, pg_temp.replacing(r, pg_temp.ids(:'client_southern'), s.token)) #> '{audit,updated,by}',
    pg_temp.last_record(r.invited)),
  jsonb_build_array(s.actor,
    pg_temp.record('account_user.groups_replaced', s.actor, s.role, :'trace_id', r.invited)),
  format('%s: %s may, and is the actor', r.name, s.name))
from replacement as r
cross join served as s;

-- The person in a request of api.replace_user is checked and not applied.
select to_jsonb(u) - '{updated_at,updated_by}'::text[] as member_before
from accounts.account_user as u, replacement as r
where r.name = 'replace_user' and u.key = internal.account_user_key(r.invited ->> 'id') \gset
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('replace_user', 'user', pg_temp.target('user', r.invited),
    jsonb_build_object('token', :'client_token', 'request', q.request))),
  pg_temp.invalid(q.errors), 'replace_user: ' || q.name)
from replacement as r
cross join (values
  ('{}'::jsonb, '{"groups": ["is required"]}'::jsonb, 'the groups are required'),
  ('{"groups": null}', '{"groups": ["is required"]}', 'null is no groups'),
  ('{"user": {"firstName": "Grace"}}', '{"groups": ["is required"]}', 'beside a person too'),
  (jsonb_build_object('groups', pg_temp.ids(:'client_everyone'), 'colour', 'red', 'user', '{"email": "carl",
      "firstName": " ", "lastName": 7, "phone": {"prefix": "44", "number": "12-34"},
      "settings": {"cultureCode": "en_GB"}, "age": 7}'::jsonb),
    '{"user.email": ["is not an email address"], "user.firstName": ["is empty"], "user.lastName": ["is not a string"],
      "user.phone.prefix": ["is not + and 1 to 4 digits"], "user.phone.number": ["is not 1 to 15 digits"],
      "user.settings.cultureCode": ["is not a language tag such as en-US"], "user.age": ["is not a known field"],
      "colour": ["is not a known field"]}',
    'every mistake about the person is reported at once')
) as q (request, errors, name)
where r.name = 'replace_user';
select pg_temp.contents() as before \gset
select pg_temp.answer('accountsd_server', pg_temp.call('replace_user', 'user', pg_temp.target('user', r.invited),
    jsonb_build_object('token', :'client_token', 'request', jsonb_build_object(
      'groups', pg_temp.ids(:'client_everyone'),
      'user', '{"email": "grace@example.com", "firstName": "Grace", "lastName": "Hopper", "phone": {"prefix": "+1",
        "number": "2"}, "settings": {"cultureCode": "en-US", "languageCode": "en"}}'::jsonb)))) as answer,
  r.invited
from replacement as r
where r.name = 'replace_user' \gset
select is(pg_temp.group_ids(:'answer'), array[:'client_everyone'],
  'replace_user: the groups are replaced although a person is given');
select is(
  (select to_jsonb(u) - '{updated_at,updated_by}'::text[] from accounts.account_user as u
    where u.key = internal.account_user_key(:'invited'::json ->> 'id')),
  :'member_before'::jsonb, 'replace_user: the person stays as they are');
select is(
  array(select distinct c collate "C" as c from unnest(pg_temp.changed_tables(:'before')) as c order by c),
  array['+ account_user', '+ account_user_group', '+ audit_record', '+ outbox', '- account_user',
    '- account_user_group'],
  'replace_user: nothing but the groups has changed');

-- The caller's transaction.
select pg_temp.contents() as before \gset
savepoint before_the_call;
select count(pg_temp.answer('accountsd_dba', pg_temp.replacing(r, pg_temp.ids(:'client_northern'))))
from replacement as r \gset ignored_
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select ok(:'has_written', 'a call writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing');

select * from finish();
rollback;
