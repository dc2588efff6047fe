-- Sets of operations; the tests named after the functions test what each operation does.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(148);

-- A request of a set. target: as in pg_temp.target.
create function pg_temp.request(operation text, kind text, target text[], more jsonb default '{}')
returns jsonb
language sql
as $$
  select jsonb_build_object('operation', operation, 'kind', kind) || more
    || case kind when 'account_user' then jsonb_build_object('accountUser', target[1])
      else jsonb_build_object('account', target[1], 'user', target[2]) end
$$;

create function pg_temp.served(role text, requests jsonb)
returns setof record
language plpgsql
as $$
begin
  perform set_config('role', role, true);
  return query select v.*, row_number() over () from api.serve(requests) as v;
  perform set_config('role', 'none', true);
end
$$;

create temp table member as
select k.kind, n.name,
  pg_temp.invite(:'client_token', n.name || k.kind || '@example.com',
    pg_temp.ids(:'client_everyone', :'client_northern')) as invited
from (values ('account_user'), ('user')) as k (kind)
cross join (values ('open'), ('expired'), ('removed'), ('untouched')) as n (name);
select count(pg_temp.let_pass('8 days', m.invited)) from member as m where m.name = 'expired' \gset ignored_
select pg_temp.contents() as before \gset

-- An empty set.
set local role accountsd_server;
select is_empty($$ select * from api.serve('[]') $$, 'an empty set has no verdicts');
select is_empty('select * from api.serve(null)', 'nor has null');
select isnt(pg_temp.problem(format('select * from api.serve(%L)', s.value)), null, format('%s is no set', s.value))
from (values ('{}'), ('7'), ('"[]"')) as s (value);
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- A set of all operations, for both kinds of path: valid requests succeed, whatever else is in the set.
create temp table wanted (position int, kind text, name text, request jsonb, status int, problem jsonb);
insert into wanted
select row_number() over (order by k.kind, r.position), k.kind, r.name,
  pg_temp.request(r.operation, k.kind, pg_temp.target(k.kind, r.invited),
    jsonb_strip_nulls(r.more || jsonb_build_object('token', coalesce(r.more ->> 'token', :'client_token')))
      - case r.operation when 'accept_invite' then 'token' else '' end),
  r.status, r.problem
from (values ('account_user'), ('user')) as k (kind)
cross join lateral (
  select
    (select m.invited from member as m where m.kind = k.kind and m.name = 'open') as open,
    (select m.invited from member as m where m.kind = k.kind and m.name = 'expired') as expired,
    (select m.invited from member as m where m.kind = k.kind and m.name = 'removed') as removed
) as m
cross join lateral (values
  (1, 'a look', 'get', m.open, '{}'::jsonb, 200, null::jsonb),
  (2, 'a wrong code', 'accept_invite', m.open, '{"request": {"code": "nonsense"}}', 400,
    '["The code is wrong.", null, "/problems/wrong-code"]'),
  (3, 'a code that is no text', 'accept_invite', m.open, '{"request": {"code": 7}}', 400,
    '["The request is not valid.", {"code": ["is not a string"]}, null]'),
  (4, 'a right code', 'accept_invite', m.open,
    jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(m.open)),
      'traceparent', :'traceparent'), 200, null),
  (5, 'the same code', 'accept_invite', m.open,
    jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(m.open))), 200, null),
  (6, 'resending what was just accepted', 'resend_invite', m.open, '{}', 400,
    '["The invitation was accepted.", null, "/problems/invitation-accepted"]'),
  (7, 'resending what has expired', 'resend_invite', m.expired, '{}', 400,
    '["The invitation has expired: use send-new-invite.", null, "/problems/invitation-expired"]'),
  (8, 'a new invitation', 'send_new_invite', m.expired, '{}', 200, null),
  (9, 'another new invitation', 'send_new_invite', m.expired, '{}', 400,
    '["The invitation is still open: use resend-invite.", null, "/problems/invitation-open"]'),
  (10, 'resending it', 'resend_invite', m.expired, '{}', 200, null),
  (11, 'a group more', 'add_group', m.open, jsonb_build_object('request',
    jsonb_build_object('id', :'client_southern')), 200, null),
  (12, 'another account''s group', 'add_group', m.open, jsonb_build_object('request',
    jsonb_build_object('id', :'vendor_sales')), 400,
    '["The request is not valid.", {"id": ["is not a group of this account"]}, null]'),
  (13, 'other groups', 'replace_groups', m.open, jsonb_build_object('request',
    pg_temp.ids(:'client_southern', :'client_northern')), 200, null),
  (14, 'taking one', 'take_group', m.open, jsonb_build_object('group', :'client_northern'), 204, null),
  (15, 'taking the last', 'take_group', m.open, jsonb_build_object('group', :'client_southern'), 400,
    '["The last group cannot be taken away.", null, "/problems/last-group"]'),
  (16, 'removing', 'remove', m.removed, '{}', 204, null),
  (17, 'looking for what was just removed', 'get', m.removed, '{}', 404,
    '["There is nothing at this path.", null, null]'),
  (18, 'another account''s token', 'remove', m.open, jsonb_build_object('token', :'vendor_token'), 404,
    '["There is nothing at this path.", null, null]'),
  (19, 'a bad token', 'remove', m.open, jsonb_build_object('token', :'disabled_token'), 401,
    '["A valid API token is required.", null, null]'),
  (20, 'the token of a disabled account', 'remove', m.open, jsonb_build_object('token', :'closed_token'), 403,
    '["The account of the API token is disabled.", null, null]'),
  (21, 'a query where there is none', 'remove', m.open, '{"query": "select=+id"}', 400,
    '["The request is not valid.", {"?": ["is not a known query parameter"]}, null]'),
  (22, 'an operation that is not there', 'rename', m.open, '{}', 404, '["There is nothing at this path.", null, null]'),
  (23, 'a look by Operations', 'get', m.open, jsonb_build_object('token', :'operations_token'), 200, null)
) as r (position, name, operation, invited, more, status, problem);

create temp table verdict as
select v.*
from (select jsonb_agg(w.request order by w.position) as requests from wanted as w) as r
cross join lateral pg_temp.served('accountsd_server', r.requests) as v
  (ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
    is_rolled_back boolean, row_number bigint);
select is(
  (select array_agg(v.ordinal order by v.row_number) from verdict as v),
  array(select w.position from wanted as w order by w.position),
  'there is a row for each request, in order');
select is(v.status, w.status, format('%s: %s gets %s', w.kind, w.name, w.status))
from wanted as w
left join verdict as v on v.ordinal = w.position
order by w.position;
select is(
  case when w.problem is not null then jsonb_build_array(v.detail, v.errors, v.type) end, w.problem,
  format('%s: %s is told its own mistake', w.kind, w.name))
from wanted as w
join verdict as v on v.ordinal = w.position
where w.problem is not null
order by w.position;
select is(
  array(select v.ordinal from verdict as v where v.status >= 300 and (v.body is not null or v.detail is null)), '{}',
  'who is refused gets no body, and a detail');
select is(
  array(select v.ordinal from verdict as v where v.status < 300
    and ((v.body is null) <> (v.status = 204) or v.detail is not null or v.errors is not null or v.type is not null)),
  '{}', 'who is served gets a body, but for 204, and no problem');
select is(
  v.body ->> 'id', pg_temp.shown_id(w.kind, m.invited), format('%s: %s answers by the id of its path', w.kind, w.name))
from wanted as w
join verdict as v on v.ordinal = w.position
join member as m on m.kind = w.kind and m.name = case
  when w.request ->> 'operation' in ('resend_invite', 'send_new_invite') then 'expired' else 'open' end
where w.status = 200
order by w.position;
select is(
  array(select v.body #>> '{invitation,status}' from wanted as w join verdict as v on v.ordinal = w.position
    where w.kind = k.kind and w.status = 200 order by w.position),
  array['Invited', 'Active', 'Active', 'Invited', 'Invited', 'Active', 'Active', 'Active'],
  k.kind || ': each answer is as the ones before it have left the membership')
from (values ('account_user'), ('user')) as k (kind);
select is(
  array(select pg_temp.group_ids(v.body::jsonb) = w.ids from (values
      ('a look', pg_temp.sorted(:'client_everyone', :'client_northern')),
      ('a group more', pg_temp.sorted(:'client_everyone', :'client_northern', :'client_southern')),
      ('other groups', pg_temp.sorted(:'client_northern', :'client_southern')),
      ('a look by Operations', array[:'client_southern'])) as w (name, ids)
    join wanted as r on r.name = w.name and r.kind = k.kind
    join verdict as v on v.ordinal = r.position),
  array[true, true, true, true], k.kind || ': so are the groups')
from (values ('account_user'), ('user')) as k (kind);
select is(
  array(select r.action from accounts.audit_record as r where r.object_id = m.invited ->> 'id' order by r.key),
  e.actions, format('%s: the audit of the %s one has what was done, in order', m.kind, m.name))
from member as m
join (values
  ('open', array['account_user.invited', 'account_user.accepted', 'account_user.group_added',
    'account_user.groups_replaced', 'account_user.group_taken']),
  ('expired', array['account_user.invited', 'account_user.invited_anew', 'account_user.invitation_resent']),
  ('removed', array['account_user.invited', 'account_user.removed']),
  ('untouched', array['account_user.invited'])
) as e (name, actions) on e.name = m.name;
select is(
  (select r.trace_id from accounts.audit_record as r
    where r.object_id = m.invited ->> 'id' and r.action = 'account_user.accepted'),
  :'trace_id', m.kind || ': the trace id is the one of the request')
from member as m
where m.name = 'open';
select is(pg_temp.invitation_statuses(m.invited), array['Expired', 'Superseded', 'Open'], m.kind || ': one is open')
from member as m
where m.name = 'expired';

-- The codes of two responses for one invitation: the later one is valid.
select is(
  jsonb_build_array(
    pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', m.kind, pg_temp.target(m.kind, m.invited),
      jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(first.body::jsonb))))) ->> 'message',
    pg_temp.answer('accountsd_server', pg_temp.call('accept_%s_invite', m.kind, pg_temp.target(m.kind, m.invited),
      jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(second.body::jsonb)))))
      #>> '{invitation,status}'),
  '["A newer invitation has taken the place of this one.", "Active"]', m.kind || ': of two codes the newer is good')
from member as m
join wanted as f on f.kind = m.kind and f.name = 'a new invitation'
join verdict as first on first.ordinal = f.position
join wanted as s on s.kind = m.kind and s.name = 'resending it'
join verdict as second on second.ordinal = s.position
where m.name = 'expired';

-- An unknown operation has a verdict, is not an error, and does not affect other requests.
select pg_temp.contents() as before \gset
create temp table strange as
select r.request, r.status, row_number() over () as position
from (values
  ('7'::jsonb, 401), ('null', 401), ('"get"', 401), ('[]', 401), ('{}', 401), ('{"operation": "rename"}', 401),
  ('{"operation": "accept_invite", "kind": "group", "request": {"code": "x"}}', 400),
  ('{"operation": "accept_invite"}', 400),
  ('{"operation": "get", "kind": "user", "token": {"a": 1}}', 401),
  ('{"token": true}', 404), ('{"token": true, "operation": null, "kind": null}', 404),
  ('{"token": true, "operation": 7, "kind": "account_user"}', 404),
  ('{"token": true, "operation": "create", "kind": "account_user"}', 404),
  ('{"token": true, "operation": "get", "kind": "group"}', 404),
  ('{"token": true, "operation": "get"}', 404),
  ('{"token": true, "operation": "get", "kind": "account_user", "accountUser": []}', 404),
  ('{"token": true, "operation": "get", "kind": "account_user", "accountUser": true, "traceparent": {}}', 200),
  ('{"token": true, "operation": "take_group", "kind": "account_user", "accountUser": true, "group": 7}', 404),
  ('{"token": true, "operation": "rename", "kind": "account_user", "accountUser": true}', 404)
) as r (request, status);
-- true stands for a valid token and a valid id.
update strange as s
set request = s.request
  || case when s.request ->> 'token' = 'true' then jsonb_build_object('token', :'client_token') else '{}' end
  || case when s.request ->> 'accountUser' = 'true' then jsonb_build_object('accountUser', :'inside'::json ->> 'id')
    else '{}' end
where jsonb_typeof(s.request) = 'object';
select is(v.status, s.status, format('%s gets %s', replace(s.request::text, :'client_token', '...'), s.status))
from (select jsonb_agg(s.request order by s.position) as requests from strange as s) as r
cross join lateral pg_temp.served('accountsd_server', r.requests) as v
  (ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
    is_rolled_back boolean, row_number bigint)
join strange as s on s.position = v.ordinal
order by v.ordinal;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- Callers.
select is(
  array(select v.status from pg_temp.served(r.role, jsonb_build_array(
      pg_temp.request('get', 'account_user', pg_temp.target('account_user', :'inside')),
      pg_temp.request('get', 'user', pg_temp.target('user', :'inside')),
      pg_temp.request('get', 'user', pg_temp.target('user', :'inside'), '{"token": "TKN-0000-0000:00"}'))) as v
    (ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
    is_rolled_back boolean, row_number bigint)
    order by v.ordinal),
  r.statuses, r.name)
from (values
  ('accountsd_dba', array[200, 200, 401], 'a DBA without a token acts as the role, with a bad one not'),
  ('accountsd_server', array[401, 401, 401], 'the server has to bring a token for each request')
) as r (role, statuses, name);
select is(
  array(select distinct v.status || coalesce(v.detail, '') || coalesce(v.errors::text, '') || coalesce(v.type, '')
    from (select jsonb_agg(pg_temp.request(o.operation, n.kind, n.target,
        jsonb_build_object('token', t.token, 'group', :'client_everyone', 'request', o.request))) as requests
      from nowhere as n
      cross join (values (:'client_token'), (:'operations_token')) as t (token)) as r
    cross join lateral pg_temp.served('accountsd_server', r.requests) as v
    (ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
    is_rolled_back boolean, row_number bigint)),
  array['404There is nothing at this path.'], o.operation || ' has one answer for every path that leads nowhere')
from (values
  ('get', null::jsonb), ('resend_invite', null), ('send_new_invite', null),
  ('add_group', jsonb_build_object('id', :'client_everyone')), ('take_group', null),
  ('replace_groups', pg_temp.ids(:'client_everyone')),
  ('replace_user', jsonb_build_object('groups', pg_temp.ids(:'client_everyone'))), ('remove', null)
) as o (operation, request);
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing has changed');

-- The caller's transaction.
savepoint before_the_call;
select v.status as removed from pg_temp.served('accountsd_server', jsonb_build_array(
    pg_temp.request('remove', 'user', pg_temp.target('user', :'inside'),
      jsonb_build_object('token', :'client_token')))) as v
  (ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
    is_rolled_back boolean, row_number bigint) \gset
select pg_temp.changes(:'before') <> '{}' as has_written \gset
rollback to savepoint before_the_call;
select is(:'removed' || :'has_written', '204t', 'a set writes in the transaction of the caller');
select is(pg_temp.changes(:'before'), '{}'::text[], 'and its rollback keeps nothing');

select * from finish();
rollback;
