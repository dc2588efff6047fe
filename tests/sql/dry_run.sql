-- "rollback": true performs a request, returns the usual response and keeps nothing.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(92);

create function pg_temp.rows_of(name text, requests jsonb)
returns table (
  ordinal int, status int, id text, body jsonb, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql
as $$
begin
  perform set_config('role', 'accountsd_server', true);
  return query execute format('select v.ordinal, v.status, v.id, v.body::jsonb, v.detail, v.errors, v.type, v.is_replay,
    v.is_rolled_back from api.%I(%L) as v', name, requests);
  perform set_config('role', 'none', true);
end
$$;

-- A response without what always differs: the code, and the keys that a dry run consumes.
create function pg_temp.comparable(body jsonb)
returns text
language sql
as $$
  select regexp_replace(regexp_replace(body::text, '/[A-Za-z0-9_-]{43}"', '/<code>"'), '(AUSR|USR)-[0-9-]+', '\1', 'g')
$$;

-- Requests of each operation that changes something, valid ones and refused ones.
create temp table asked as
select row_number() over (order by k.kind, o.position) as position, k.kind, o.name, o.road, o.status,
  pg_temp.invite(:'client_token', k.kind || o.position || '@example.com',
    pg_temp.ids(:'client_everyone', :'client_northern')) as invited,
  o.operation, o.more, null::jsonb as request
from (values ('account_user'), ('user')) as k (kind)
cross join lateral (values
  (1, 'an invitation', 'create_account_users', 'create', 201,
    jsonb_build_object('request', pg_temp.invitation(k.kind || '-new@example.com'))),
  (2, 'an invitation again', 'create_account_users', 'create', 201,
    jsonb_build_object('request', pg_temp.invitation(k.kind || 2 || '@example.com'))),
  (3, 'an invitation that is refused', 'create_account_users', 'create', 400,
    jsonb_build_object('request', pg_temp.invitation('nobody'))),
  (4, 'an acceptance', 'serve', 'accept_invite', 200, '{"request": {"code": true}}'),
  (5, 'a wrong code', 'serve', 'accept_invite', 400, '{"request": {"code": "wrong"}}'),
  (6, 'a resend', 'serve', 'resend_invite', 200, '{}'),
  (7, 'a new invitation', 'serve', 'send_new_invite', 200, '{}'),
  (8, 'a new invitation where one is open', 'serve', 'send_new_invite', 400, '{}'),
  (9, 'a group more', 'serve', 'add_group', 200,
    jsonb_build_object('request', jsonb_build_object('id', :'client_southern'))),
  (10, 'other groups', 'serve', 'replace_groups', 200,
    jsonb_build_object('request', pg_temp.ids(:'client_southern'))),
  (11, 'a user replaced', 'serve', 'replace_user', 200,
    jsonb_build_object('request', jsonb_build_object('groups', pg_temp.ids(:'client_southern')))),
  (12, 'a group less', 'serve', 'take_group', 204, jsonb_build_object('group', :'client_northern')),
  (13, 'a removal', 'serve', 'remove', 204, '{}'),
  (14, 'a bad token', 'serve', 'remove', 401, '{"token": "TKN-0000-0000:00"}')
) as o (position, name, road, operation, status, more);
select count(pg_temp.let_pass('8 days', a.invited)) from asked as a where a.name = 'a new invitation' \gset ignored_
update asked as a
set request = jsonb_build_object('operation', a.operation, 'kind', a.kind, 'token', :'client_token')
  || case when a.road = 'create_account_users' and a.kind = 'account_user' then '{}'
    when a.road = 'create_account_users' then jsonb_build_object('account', :'client')
    when a.kind = 'account_user' then jsonb_build_object('accountUser', a.invited ->> 'id')
    else jsonb_build_object('account', :'client', 'user', a.invited #>> '{user,id}') end
  || case when a.more #> '{request,code}' = 'true'
    then jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(a.invited))) else a.more end;
-- All changes except audit records.
create function pg_temp.changes_but_audit(before text[])
returns text[]
language sql
as $$
  select coalesce(array_agg(c), '{}') from unnest(pg_temp.changes(before)) as c where c !~ '^. accounts.audit_record '
$$;
select pg_temp.contents() as before, coalesce(max(key), 0) as audited from accounts.audit_record \gset

create temp table rehearsed as
select a.position, v.*
from asked as a
cross join lateral pg_temp.rows_of(a.road, jsonb_build_array(a.request || '{"rollback": true}')) as v;
select is(pg_temp.changes_but_audit(:'before'), '{}'::text[], 'only audit records are kept');
select is(
  array(
    select jsonb_build_array(r.action, r.actor ->> 'id', r.object_id, r.account_key)
    from accounts.audit_record as r
    where r.key > :audited
    order by 1),
  array(
    select jsonb_build_array('rehearsal.' || a.operation,
      case a.operation when 'accept_invite' then a.invited #>> '{user,id}' else split_part(:'client_token', ':', 1) end,
      case a.operation when 'create' then :'client' else a.invited ->> 'id' end, internal.account_key(:'client'))
    from asked as a
    where a.status < 300
    order by 1),
  'which has each that was answered');
select is(r.status, a.status, format('%s: %s gets %s', a.kind, a.name, a.status))
from asked as a join rehearsed as r on r.position = a.position order by a.position;
select is(array_agg(r.position) filter (where r.is_rolled_back is not true or r.is_replay is not false), null,
  'each answer says so') from rehearsed as r;

-- The same with an idempotency key, which stays free.
create temp table rehearsed_with_key as
select a.position, v.*
from asked as a
cross join lateral pg_temp.rows_of(a.road, jsonb_build_array(
  a.request || jsonb_build_object('rollback', true, 'idempotencyKey', a.position))) as v;
select is(pg_temp.changes_but_audit(:'before'), '{}'::text[], 'with a key nothing more is kept either');
select is(array_agg(r.status order by r.position), (select array_agg(a.status order by a.position) from asked as a),
  'and the answers are those without') from rehearsed_with_key as r;

-- The same requests, performed.
create temp table done as
select a.position, v.*
from asked as a
cross join lateral pg_temp.rows_of(a.road, jsonb_build_array(
  a.request || jsonb_build_object('rollback', false, 'idempotencyKey', a.position))) as v;
select is(
  jsonb_build_array(d.status, pg_temp.comparable(d.body), d.detail, d.errors, d.type, d.is_rolled_back),
  jsonb_build_array(r.status, pg_temp.comparable(r.body), r.detail, r.errors, r.type, false),
  format('%s: %s in earnest gets the same', a.kind, a.name))
from asked as a
join rehearsed as r on r.position = a.position
join done as d on d.position = a.position
order by a.position;
select is(
  (select count(*) from accounts.idempotency_key), (select count(*) from asked as a where a.status < 300),
  'the keys were free');
select ok(
  pg_temp.changed_tables(:'before') @> array['+ account_user', '+ outbox', '+ audit_record', '- invitation'],
  'and there was something to keep');

-- A dry run of a request whose response is stored.
select pg_temp.contents() as before \gset
select is(
  jsonb_build_array(v.status, v.body, v.is_replay, v.is_rolled_back), jsonb_build_array(d.status, d.body, true, true),
  format('%s: %s is given again in a dry run too', a.kind, a.name))
from asked as a
join done as d on d.position = a.position
cross join lateral pg_temp.rows_of(a.road, jsonb_build_array(
  a.request || jsonb_build_object('rollback', true, 'idempotencyKey', a.position))) as v
where a.status < 300
order by a.position;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and changes nothing');

-- In a set with other requests.
create temp table verdict as
select v.* from pg_temp.rows_of('create_account_users', (
  select jsonb_agg(jsonb_build_object('token', :'client_token', 'rollback', n % 2 = 0,
    'request', pg_temp.invitation(format('set%s@example.com', n)))) from generate_series(1, 6) as n)) as v;
select is(array_agg(v.status order by v.ordinal), array[201, 201, 201, 201, 201, 201], 'in a set each is answered')
from verdict as v;
select is(array_agg(v.is_rolled_back order by v.ordinal), array[false, true, false, true, false, true],
  'and told whether it was kept') from verdict as v;
select is(
  array(select p.email_key from accounts.person as p where p.email_key like 'set_@example.com' order by p.email_key),
  array['set1@example.com', 'set3@example.com', 'set5@example.com'], 'only what is in earnest is');
select is(
  array(select v.is_rolled_back from pg_temp.rows_of('create_account_users', jsonb_build_array(jsonb_build_object(
    'token', :'client_token', 'rollback', r.value, 'request', pg_temp.invitation('nobody')))) as v),
  array[false], format('"rollback": %s asks for none', r.value))
from (values ('false'::jsonb), ('null'), ('"true"'), ('1')) as r (value);

-- An error of PostgreSQL itself is raised.
create function pg_temp.fail() returns trigger language plpgsql as
  $$ begin raise exception using errcode = '23514', message = 'broken'; end $$;
create trigger fail before insert on accounts.outbox for each row execute function pg_temp.fail();
select is(
  pg_temp.problem(format('select * from pg_temp.rows_of(%L, %L)', 'create_account_users', jsonb_build_array(
    jsonb_build_object('token', :'client_token', 'rollback', true,
      'request', pg_temp.invitation('error@example.com'))))) ->> 'sqlstate', '23514', 'an error is raised');

select * from finish();
rollback;
