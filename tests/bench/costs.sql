-- Measures the most expensive requests, for the table of tests/README.md, with the data of data.sql (members=1000000,
-- largest=100000), as a superuser. Everything is rolled back.
--
--   psql -X -q -f tests/bench/costs.sql "$DATABASE_URL"
\set ON_ERROR_STOP on
set client_min_messages = warning;
begin;
\ir ../sql/lib/cost.sql

-- An account of 200 groups, 100 buyers, 20 modules and 2,000 members, each of them in two groups.
create temp table made as
with account as (
  insert into accounts.account (type, name, created_by) values ('Client', 'Costs', '{"name": "bench"}') returning key
)
select key from account;
insert into accounts.module (name, created_by)
select 'Costs ' || i, '{"name": "bench"}' from generate_series(1, 20) as i;
insert into accounts.buyer (account_key, name, created_by)
select m.key, 'Buyer ' || i, '{"name": "bench"}' from made as m, generate_series(1, 100) as i;
insert into accounts.user_group (account_key, name, is_default, has_all_buyers, created_by)
select m.key, 'Group ' || i, i = 1, true, '{"name": "bench"}' from made as m, generate_series(1, 200) as i;
insert into accounts.user_group_module (user_group_key, module_key)
select g.key, o.key from made as m join accounts.user_group as g on g.account_key = m.key
cross join accounts.module as o where o.name like 'Costs %';
insert into accounts.account_user (account_key, person_key, email, first_name, last_name, created_by, updated_by)
select m.key, p.key, p.email, 'First' || p.key, 'Last', '{"name": "bench"}', '{"name": "bench"}'
from made as m, accounts.person as p where p.key between 1000001 and 1002000;
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, g.key, u.account_key
from made as m join accounts.account_user as u on u.account_key = m.key
join accounts.user_group as g on g.account_key = m.key and g.name in ('Group 1', 'Group 2');
analyze accounts.module, accounts.buyer, accounts.user_group, accounts.user_group_module;
select internal.account_id(key) as account from made \gset

create function pg_temp.invitations(account text, number int, request_count int, group_count int)
returns jsonb
language sql
as $$
  select jsonb_agg(jsonb_build_object('request', jsonb_build_object(
    'user', jsonb_build_object('email', format('%s.%s.%s@costs.example', group_count, number, i), 'firstName', 'A',
      'lastName', 'B'),
    'account', jsonb_build_object('id', account),
    'groups', (
      select jsonb_agg(jsonb_build_object('id', internal.user_group_id(g.key)))
      from (select g.key from accounts.user_group as g where g.account_key = internal.account_key(account)
        order by md5((g.key * number)::text) limit group_count) as g))))
  from generate_series(1, request_count) as i
$$;

create temp table request (place int generated always as identity, what text, call text, times int);
insert into request (what, call, times)
select 'list: ' || q.what, format('select api.list_account_users(%L)', q.query), 20
from (values
  ('limit=1', 'limit=1'),
  ('100', ''),
  ('limit=1000', 'limit=1000'),
  ('limit.page: audit, 300', 'limit=300&select=audit'),
  ('limit=1000, a field taken away', 'limit=1000&select=-groups.id'),
  ('limit.page: buyers and modules, 120 of 1,000', 'limit=120&select=buyers,modules'),
  ('limit.page: refused', 'limit=1000&select=buyers,modules&account.id=' || :'account'),
  ('offset: 9,900', 'offset=9900'),
  ('offset: 9,900 by name', 'offset=9900&order=-user.name'),
  ('offset: refused', 'offset=9901'),
  ('order: 10 fields, 1,000 members', 'account.id=' || internal.account_id(55)
    || '&order=user.icon,audit.updated.at,audit.joined.at,audit.access.at,lastLoginAt,user.name,user.id,id,account.id,'
    || 'audit.created.at'),
  ('order: refused', 'order=user.icon'),
  ('limit.examined: ilike of all, refused', 'ilike(user.name,*zz*)'),
  ('limit.examined: a group of 1,000', 'groups.id=' || internal.user_group_id(301)),
  ('limit.examined: names that begin, 13,890 of 1,000,000', 'ilike(user.name,grace name7*)'),
  ('limit.examined: two minutes, 1,199', 'gt(audit.created.at,2026-01-01T00:10:00Z)&'
    'lt(audit.created.at,2026-01-01T00:12:00Z)'),
  ('an address', 'user.email=person.500@bench.example'),
  ('limit.filter: 4 any(), 1,000 members', 'account.id=' || internal.account_id(55) || '&'
    || pg_temp.times(4, '&', 'not(any(groups,id=UGR-1234-567#))')),
  ('limit.filter: 5 any(), refused', pg_temp.times(5, '&', 'any(groups,id=UGR-1234-567#)')),
  ('50 expressions of 1,000 members', 'account.id=' || internal.account_id(55) || '&'
    || pg_temp.times(48, '&', 'ilike(user.name,*#z*)')),
  ('51 expressions, refused', pg_temp.times(51, '&', 'ilike(user.name,*#z*)')),
  ('200 values, names', 'in(user.name,(' || pg_temp.times(200, ',', 'Some One #') || '))'),
  ('200 values, addresses', 'in(user.email,(' || pg_temp.times(200, ',', 'a#@example.com') || '))'),
  ('200 values, times', 'account.id=' || internal.account_id(55) || '&in(lastLoginAt,('
    || pg_temp.times(200, ',', '2026-01-01T10:00:00.#Z') || '))'),
  ('100 fields selected', 'limit=1&select=' || pg_temp.times(100, ',', 'modules.settings.eligibility.single')),
  ('8,000 characters: one value', 'limit=1&user.icon=' || repeat('a', 7900)),
  ('8,000 characters: 8,000 (', repeat('(', 8000)),
  ('8,000 characters: 4,000 parameters', repeat('a&', 4000)),
  ('8,000 characters: 4,000 fields', 'select=' || repeat('a,', 3990))
) as q (what, query);
insert into request (what, call, times) values
  ('invitation, 1 group',
    format('select * from api.create_account_users(pg_temp.invitations(%L, $1, 1, 1))', :'account'), 20),
  ('invitation, 100 groups, others each time',
    format('select * from api.create_account_users(pg_temp.invitations(%L, $1, 1, 100))', :'account'), 20),
  ('limit.set: 1,000 invitations',
    format('select * from api.create_account_users(pg_temp.invitations(%L, $1, 1000, 1))', :'account'), 2),
  ('body limit: a name of 64 kB, refused', format('select api.create_account_user(%L)', jsonb_build_object('user',
    jsonb_build_object('email', 'a@example.com', 'firstName', repeat('a', 65000), 'lastName', 'b'))), 20),
  ('idempotency: a new key', format('select api.create_account_user((pg_temp.invitations(%L, 1000 + $1, 1, 1) -> 0 -> '
    '''request''), idempotency_key => gen_random_uuid()::text)', :'account'), 20);

-- $1 is replaced by a different number in each call. The first call is not counted, because it plans statements.
create temp table result (what text, ms numeric);
do $$
declare
  v_row record;
  v_sum numeric;
begin
  for v_row in select * from request order by place loop
    v_sum := 0;
    if v_row.call like '%$1%' then
      perform pg_temp.cost(replace(v_row.call, '$1', '1'));
      for i in 2 .. v_row.times + 1 loop
        v_sum := v_sum + pg_temp.cost(replace(v_row.call, '$1', i::text));
      end loop;
      insert into result values (v_row.what, round(v_sum / v_row.times, 1));
    else
      perform pg_temp.cost(v_row.call, 2);
      insert into result values (v_row.what, round(pg_temp.cost(v_row.call, v_row.times), 1));
    end if;
  end loop;
end
$$;
select what, ms from result;
rollback;
