-- A request that succeeded before with the same idempotency key is not performed again and gets the stored response.
-- tests/http tests concurrent requests with one key.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(99);

-- The text of a response, byte for byte.
create function pg_temp.text_of(role text, call text)
returns text
language plpgsql
as $$
declare
  v_answer json;
begin
  perform set_config('role', role, true);
  execute call into v_answer;
  perform set_config('role', 'none', true);
  return v_answer::text;
end
$$;

-- The outcomes of a set, called as the server does.
create function pg_temp.rows_of(name text, requests jsonb)
returns table (
  ordinal int, status int, id text, body jsonb, detail text, type text, is_replay boolean, is_rolled_back boolean)
language plpgsql
as $$
begin
  perform set_config('role', 'accountsd_server', true);
  return query execute format('select v.ordinal, v.status, v.id, v.body::jsonb, v.detail, v.type, v.is_replay,
    v.is_rolled_back from api.%I(%L) as v', name, requests);
  perform set_config('role', 'none', true);
end
$$;

create function pg_temp.create_call(request jsonb, token text, key text, more jsonb default '{}')
returns text
language sql
as $$
  select pg_temp.call('create_account_user', null, '{}', jsonb_build_object(
    'request', request, 'token', token, 'idempotency_key', key) || more)
$$;

create function pg_temp.kept()
returns bigint
language sql
as $$ select count(*) from accounts.idempotency_key $$;

-- Every operation that is a POST, for both kinds of path.
create temp table case_of as
select k.kind, o.name, o.function, o.position, null::jsonb as invited, null::text as call, null::text as first
from (values ('account_user'), ('user')) as k (kind)
cross join (values
  (1, 'create', 'create_%s'), (2, 'accept', 'accept_%s_invite'), (3, 'resend', 'resend_%s_invite'),
  (4, 'send_new', 'send_new_%s_invite'), (5, 'add_group', 'add_%s_group')
) as o (position, name, function);
update case_of as c
set invited = pg_temp.invite(:'client_token', c.kind || '-' || c.name || '@example.com',
  pg_temp.ids(:'client_northern'));
select count(pg_temp.let_pass('8 days', c.invited)) from case_of as c where c.name = 'send_new' \gset ignored_
update case_of as c
set call = case
  when c.name = 'create' and c.kind = 'user' then format('select api.create_user(%L, %L, %L, idempotency_key => %L)',
    :'client', pg_temp.invitation('new-user@example.com'), :'client_token', c.kind || c.name)
  when c.name = 'create' then pg_temp.create_call(
    pg_temp.invitation('new@example.com'), :'client_token', c.kind || c.name)
  else pg_temp.call(c.function, c.kind, pg_temp.target(c.kind, c.invited), jsonb_strip_nulls(jsonb_build_object(
    'request', case c.name when 'accept' then jsonb_build_object('code', pg_temp.code(c.invited))
      when 'add_group' then jsonb_build_object('id', :'client_southern') end,
    'token', case when c.name <> 'accept' then :'client_token' end, 'idempotency_key', c.kind || c.name)))
  end;
update case_of as c set first = pg_temp.text_of('accountsd_server', c.call);
select is(pg_temp.kept(), 10::bigint, 'a response is stored for each key');
select pg_temp.contents() as before \gset
select is(
  pg_temp.text_of('accountsd_server', c.call), c.first, format('%s, %s: again, the same bytes', c.name, c.kind))
from case_of as c
order by c.kind, c.position;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing was done again');
select is(
  (pg_temp.accept(c.answer, pg_temp.code(c.again)) #>> '{invitation,status}'), 'Active',
  format('%s: the code that was given again is good', c.name))
from (
  select c.name, c.invited, c.first::jsonb as answer, pg_temp.text_of('accountsd_server', c.call)::jsonb as again
  from case_of as c where c.kind = 'account_user' and c.name in ('create', 'resend', 'send_new')
) as c
order by c.name;

-- The tables contain neither a secret nor anything from which one can be computed.
select is(pg_temp.tables_with(n.needle), '{}', n.name)
from case_of as c
cross join lateral (values
  (pg_temp.code(c.first::jsonb), format('%s, %s: the code is nowhere', c.name, c.kind)),
  (c.kind || c.name, format('%s, %s: nor is the key', c.name, c.kind))) as n (needle, name)
where pg_temp.code(c.first::jsonb) is not null
order by c.kind, c.position;
select isnt(pg_temp.tables_with('invitation'), '{}', 'what is there would be found');

-- What makes two requests different.
select pg_temp.contents() as before \gset
select is(
  pg_temp.problem_of('accountsd_server', t.call),
  pg_temp.refusal(422, 'The idempotency key was used for another request.'), t.name)
from (values
  (pg_temp.create_call(pg_temp.invitation('other@example.com'), :'client_token', 'account_usercreate'), 'another body'),
  (pg_temp.create_call(pg_temp.invitation('new@example.com', :'client'), :'client_token', 'account_usercreate'),
    'the account named that was meant'),
  (pg_temp.create_call(pg_temp.invitation('new@example.com'), :'client_token', 'account_usercreate',
    '{"query": "select=-audit"}'), 'another query'),
  (format('select api.create_user(%L, %L, %L, idempotency_key => ''account_usercreate'')', :'client',
    pg_temp.invitation('new@example.com'), :'client_token'), 'another path'),
  (pg_temp.call('resend_%s_invite', 'account_user', array[:'inside'::json ->> 'id'],
    jsonb_build_object('token', :'client_token', 'idempotency_key', 'account_usercreate')), 'another operation'),
  (pg_temp.call('add_%s_group', 'account_user', array[:'inside'::json ->> 'id'],
    jsonb_build_object('request', jsonb_build_object('id', :'client_southern'), 'token', :'client_token',
      'idempotency_key', 'account_useradd_group')), 'another membership')
) as t (call, name);
select is(
  pg_temp.problem_type('accountsd_server', pg_temp.create_call(pg_temp.invitation('other@example.com'), :'client_token',
    'account_usercreate')), '/problems/idempotency-key-reused', 'the type says so');
select is(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(
    '{"groups": null, "user": {"lastName": "Lovelace", "firstName": "Ada", "email": "spelt@example.com"}}',
    :'client_token', 'spelling')),
  pg_temp.text_of('accountsd_server', pg_temp.create_call(
    '{"user":{"email":"spelt@example.com",  "firstName":"\u0041da","lastName":"Lovelace"},"groups":null}',
    :'client_token', 'spelling')), 'how it is spelt makes no difference');
select is(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('new@example.com'), :'client_token',
    'account_usercreate', '{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}')),
  c.first, 'nor does the trace')
from case_of as c where c.kind = 'account_user' and c.name = 'create';

-- The scope of a key.
create temp table caller as
select c.position, c.role, c.token, c.name, pg_temp.text_of(c.role, pg_temp.create_call(
  pg_temp.invitation('shared@example.com', :'client'), c.token, 'shared'))::jsonb as answer
from (values
  (1, 'accountsd_server', :'client_token', 'the account''s token'),
  (2, 'accountsd_server', :'operations_token', 'another token'),
  (3, 'accountsd_dba', null, 'a DBA'),
  (4, 'postgres', null, 'another DBA')
) as c (position, role, token, name);
select is(count(distinct pg_temp.code(c.answer)), 4::bigint, 'one key, four callers: four answers') from caller as c;
select is(
  pg_temp.text_of(c.role, pg_temp.create_call(pg_temp.invitation('shared@example.com', :'client'), c.token, 'shared'))
    ::jsonb, c.answer, c.name || ' gets its own again')
from caller as c order by c.position;
select is(
  pg_temp.text_of('accountsd_dba', pg_temp.create_call(pg_temp.invitation('shared@example.com', :'client'),
    :'client_token', 'shared'))::jsonb, c.answer, 'whoever brings the token')
from caller as c where c.position = 1;

-- Keys of callers that can no longer authenticate.
set local role accountsd_dba;
select pg_temp.credential(api.create_api_token(pg_temp.of_account(:'client', '{"name": "Brief"}')) ->> 'token') as brief
\gset
reset role;
select pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('brief@example.com'), :'brief', 'k'))
  is not null as is_kept \gset
select ok(:'is_kept', 'a token has a stored response');
savepoint callers;
set local role accountsd_dba;
select api.disable_api_token(split_part(:'brief', ':', 1)) \gset ignored_
reset role;
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('brief@example.com'), :'brief', 'k')),
  :'is_unauthorized', 'disabled, it gets none');
rollback to savepoint callers;
update accounts.account set status = 'Disabled' where key = internal.account_key(:'client');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('brief@example.com'), :'brief', 'k')),
  :'is_of_disabled', 'nor that of a disabled account');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('brief@example.com'),
    split_part(:'brief', ':', 1) || ':' || repeat('0', 64), 'k')), :'is_unauthorized', 'nor a wrong secret');
rollback to savepoint callers;

-- A refusal is not stored, and the key stays free.
select pg_temp.kept() as kept \gset
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(t.request, t.token, 'free')) ->> 'sqlstate', t.sqlstate,
  'refused: ' || t.sqlstate)
from (values
  (pg_temp.invitation('free@example.com', groups => pg_temp.ids(:'vendor_sales')), :'client_token', 'PT400'),
  (pg_temp.invitation('no address'), :'client_token', 'PT400'),
  (pg_temp.invitation('free@example.com', :'vendor'), :'client_token', 'PT403'),
  (pg_temp.invitation('free@example.com', :'closed'), :'operations_token', 'PT409'),
  ((select pg_temp.invitation('account_user-accept@example.com')), :'client_token', 'PT409')
) as t (request, token, sqlstate);
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', 'account_user',
    array[:'inside'::json ->> 'id'], '{"request": {"code": "wrong"}, "idempotency_key": "free"}'))
    ->> 'sqlstate', 'PT400', 'refused: a wrong code');
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.call('accept_%s_invite', 'account_user', array['AUSR-1'],
    '{"request": {"code": "wrong"}, "idempotency_key": "free"}')) ->> 'message', 'The code is wrong.',
  'refused: a path that leads nowhere');
select is(pg_temp.kept(), :'kept'::bigint, 'none is kept');
select isnt(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('free@example.com'), :'client_token',
    'free')), null, 'the key is good for another request');

-- The shape of a key.
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('shape@example.com'), :'client_token',
    k.key)), pg_temp.invalid('{"Idempotency-Key": ["is not 1 to 255 characters of visible ASCII"]}'),
  format('%s is no key', to_json(k.key)))
from (values (''), (' '), ('a b'), (e'a\n'), (e'\u007f'), ('é'), (repeat('x', 256))) as k (key);
select is(
  pg_temp.problem_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('shape@example.com'), :'client_token',
    k.key)), null, format('%L is a key', k.key))
from (values ('!'), ('~'), ('"quoted"'), ('back\slash'), (repeat('x', 255))) as k (key);

-- A response is stored for the configured time.
select pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('late@example.com'), :'client_token',
  'late')) as first \gset
update accounts.idempotency_key set created_at = created_at - interval '23 hours 59 minutes';
select pg_temp.kept() as kept \gset
select is(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('late@example.com'), :'client_token',
    'late')), :'first', 'it is kept for a day');
savepoint lifetime;
set local role accountsd_dba;
select api.configure('{"idempotency.lifetime": "12 hours"}') \gset ignored_
reset role;
select isnt(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('late@example.com'), :'client_token',
    'late')), :'first', 'or as long as is configured');
rollback to savepoint lifetime;
update accounts.idempotency_key set created_at = created_at - interval '2 minutes';
select pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('late@example.com'), :'client_token',
  'late')) as second \gset
select isnt(:'second'::text, :'first', 'then it is done again');
select is((:'second'::json ->> 'id'), (:'first'::json ->> 'id'), 'as the re-invite that it is');
select is(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('late@example.com'), :'client_token',
    'late')), :'second', 'and the new response is stored');

-- Each stored response deletes two expired ones.
select is(pg_temp.kept(), :'kept'::bigint - 2, 'two expired ones are deleted');
update accounts.idempotency_key set created_at = now();
insert into accounts.idempotency_key (key_sha256, request_sha256, code_salt, status, created_at)
select sha256(convert_to('old' || n, 'UTF8')), sha256(''), sha256(''), 204, now() - interval '25 hours'
from generate_series(1, 11) as n;
select pg_temp.kept() as kept \gset
select count(*) from pg_temp.rows_of('create_account_users', (
  select jsonb_agg(jsonb_build_object('token', :'client_token', 'idempotencyKey', 'prune' || n,
    'request', pg_temp.invitation(format('prune%s@example.com', n)))) from generate_series(1, 4) as n)) \gset ignored_
select is(pg_temp.kept(), :'kept'::bigint + 4 - 8, 'a set of four deletes eight');
select pg_temp.text_of('accountsd_server', pg_temp.create_call(pg_temp.invitation('prune@example.com'), :'client_token',
  'prune' || n)) is not null from generate_series(5, 6) as n \g /dev/null
select is(pg_temp.kept(), :'kept'::bigint + 6 - 11, 'no more than are too old');

-- Sets.
create temp table verdict as
select v.* from pg_temp.rows_of('create_account_users', jsonb_build_array(
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('set-plain@example.com')),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('set-one@example.com'),
    'idempotencyKey', 'set-one'),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('set-one@example.com'),
    'idempotencyKey', 'set-one'),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('late@example.com'),
    'idempotencyKey', 'late', 'kind', 'account_user', 'operation', 'create'),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('set-other@example.com'),
    'idempotencyKey', 'late'),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('nobody'), 'idempotencyKey', 'set-two'),
  jsonb_build_object('token', :'vendor_token', 'idempotencyKey', 'set-one',
    'request', pg_temp.invitation('set-vendor@example.com', groups => pg_temp.ids(:'vendor_sales'))),
  jsonb_build_object('token', :'disabled_token', 'request', pg_temp.invitation('set-one@example.com'),
    'idempotencyKey', 'set-one'),
  '7')) as v;
select is(array_agg(v.status order by v.ordinal), array[201, 201, 409, 201, 422, 400, 201, 401, 400],
  'each of a set has a verdict of its own') from verdict as v;
select is(array_agg(v.ordinal), array[1, 2, 3, 4, 5, 6, 7, 8, 9], 'in order') from verdict as v;
select is(array_agg(v.ordinal) filter (where v.is_replay), array[4], 'and says whether it is the answer of before')
from verdict as v;
select is(array_agg(v.type order by v.ordinal) filter (where v.type is not null),
  array['/problems/request-in-progress', '/problems/idempotency-key-reused'], 'the types tell of keys')
from verdict as v;
select is(v.body, :'second'::jsonb, 'what is given again stands in its place') from verdict as v where v.ordinal = 4;
select is(v.id, v.body ->> 'id', 'with its id') from verdict as v where v.ordinal = 4;
select is(
  (select array_agg(p.email_key order by p.email_key) from accounts.person as p where p.email_key like 'set-%'),
  array['set-one@example.com', 'set-plain@example.com', 'set-vendor@example.com'], 'what was refused is not there');
select is(
  array(select i.code_sha256 = sha256(convert_to(pg_temp.code(v.body), 'UTF8')) from verdict as v
    join accounts.invitation as i on i.account_user_key = internal.account_user_key(v.id) where v.ordinal in (1, 2, 7)),
  array[true, true, true], 'each has the code of its own invitation');
select pg_temp.kept() as kept \gset
select is(array_agg(v.status order by v.ordinal), array[200, 200],
  'a set of other operations: the second finds what the first has kept')
from pg_temp.rows_of('serve', (
  select jsonb_agg(jsonb_build_object('operation', 'resend_invite', 'kind', 'account_user',
    'accountUser', :'inside'::json ->> 'id', 'token', :'client_token', 'idempotencyKey', 'serve'))
  from generate_series(1, 2))) as v;
select is(pg_temp.mails(:'inside'), 2::bigint, 'so one mail goes out, after that of the invitation');
select is(pg_temp.kept(), :'kept'::bigint + 1, 'and one response is stored');

-- Requests without a key cost nothing extra.
create function pg_temp.scans()
returns bigint
language sql
as $$
  select t.seq_scan + t.idx_scan from pg_stat_xact_user_tables as t where t.relid = 'accounts.idempotency_key'::regclass
$$;
select pg_temp.scans() as scans \gset
select is(array_agg(v.status), array[201, 201, 400], 'a set without keys')
from pg_temp.rows_of('create_account_users', jsonb_build_array(
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('keyless1@example.com')),
  jsonb_build_object('token', :'client_token', 'request', pg_temp.invitation('keyless2@example.com')),
  '7')) as v;
select is(v.status, 200, 'and another operation without one')
from pg_temp.rows_of('serve', jsonb_build_array(jsonb_build_object('operation', 'resend_invite',
  'kind', 'account_user', 'accountUser', :'inside'::json ->> 'id', 'token', :'client_token'))) as v;
select is(pg_temp.scans(), :'scans'::bigint, 'look for none');
select is(v.status, 400, 'with a key that is free')
from pg_temp.rows_of('create_account_users', jsonb_build_array(jsonb_build_object('token', :'client_token',
  'idempotencyKey', 'scans', 'request', pg_temp.invitation('keyless3@example.com',
  groups => pg_temp.ids(:'vendor_sales'))))) as v;
select is(pg_temp.scans(), :'scans'::bigint + 1, 'it is searched for once');

-- Requests that only read store nothing.
select is(v.status, 200, 'a look with a key') from pg_temp.rows_of('serve', jsonb_build_array(jsonb_build_object(
  'operation', 'get', 'kind', 'account_user', 'accountUser', :'inside'::json ->> 'id', 'token', :'client_token',
  'idempotencyKey', 'look'))) as v;
select is(pg_temp.kept(), :'kept'::bigint + 1, 'keeps nothing');

-- The seed from which the server derives a code.
create temp table seeded as
select s.position, (pg_temp.rows_of('create_account_users', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
  'token', :'client_token', 'idempotencyKey', 'seeded', 'codeSeed', s.seed,
  'request', pg_temp.invitation('seeded@example.com')))))).*
from (values (1, repeat('a', 64)), (2, repeat('a', 64)), (3, null)) as s (position, seed);
select is(array_agg(s.status order by s.position), array[201, 201, 422], 'without it the code cannot be given again')
from seeded as s;
select is(count(distinct s.body), 1::bigint, 'with it, it is') from seeded as s where s.status = 201;
select is(
  (select count(*) from accounts.idempotency_key as k, seeded as s
    where s.position = 1
      and pg_temp.code(s.body) = translate(encode(sha256(k.code_salt || 'seeded'), 'base64'), '+/=', '-_')),
  0::bigint, 'and the code cannot be computed from the stored rows and a guessed key');
select pg_temp.text_of('accountsd_server', pg_temp.create_call(
  pg_temp.invitation('unseeded@example.com'), :'client_token', 'unseeded')) as unseeded \gset
select is(
  (select count(*) from accounts.idempotency_key as k, (values ('unseeded'), (' unseeded')) as g (guess)
    where pg_temp.code(:'unseeded') = translate(encode(sha256(k.code_salt || convert_to(g.guess, 'UTF8')), 'base64'),
      '+/=', '-_')),
  0::bigint, 'nor where a token calls without such a secret');

-- A text that looks like the placeholder of a code.
select pg_temp.text_of('accountsd_server', pg_temp.create_call(jsonb_set(pg_temp.invitation('place@example.com'),
  '{user,firstName}', to_jsonb(encode(k.code_salt, 'hex'))), :'client_token', 'place')) as first
from accounts.idempotency_key as k limit 1 \gset
select is(
  pg_temp.text_of('accountsd_server', pg_temp.create_call(jsonb_set(pg_temp.invitation('place@example.com'),
    '{user,firstName}', to_jsonb(split_part(:'first'::json #>> '{user,name}', ' ', 1))), :'client_token', 'place')),
  :'first', 'stays what it is');

select * from finish();
rollback;
