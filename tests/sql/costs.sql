-- The cost of the most expensive requests within the limits, as a multiple of a plain one, and which requests are
-- refused as too expensive.
begin;
\ir lib/fixture.sql
\ir lib/cost.sql
select plan(20);

insert into accounts.user_group (account_key, name, created_by)
select internal.account_key(:'client'), 'Group ' || i, '{"name": "costs"}' from generate_series(1, 110) as i;
analyze accounts.user_group;

-- An invitation into this many groups, different ones for each number.
create function pg_temp.invitation_cost(client text, number int, group_count int)
returns numeric
language sql
as $$
  select pg_temp.cost(format('select * from api.create_account_users(%L)',
    jsonb_build_array(jsonb_build_object('request',
    jsonb_build_object('user', jsonb_build_object('email', format('%s.%s@costs.example', group_count, number),
        'firstName', 'A', 'lastName', 'B'), 'account', jsonb_build_object('id', client), 'groups', (
      select jsonb_agg(jsonb_build_object('id', internal.user_group_id(g.key)))
      from (select g.key from accounts.user_group as g where g.account_key = internal.account_key(client)
        order by md5((g.key * number)::text) limit group_count) as g))))))
$$;
select min(pg_temp.invitation_cost(:'client', i, 1)) as one from generate_series(1, 10) as i \gset
select min(pg_temp.invitation_cost(:'client', i, 100)) as hundred from generate_series(1, 10) as i \gset
select diag(format('one group: %s ms, a hundred: %s ms', :'one', :'hundred'));
select cmp_ok(:'hundred'::numeric, '<', 25 * :'one'::numeric, 'a hundred groups cost less than 25 times what one does');

select is(internal.are_distinct(d.items::jsonb), d.verdict, d.items)
from (values ('[]', true), ('[1, 2]', true), ('[{"id": "A"}, {"id": "B"}, {"id": "A"}]', false)) as d (items, verdict);

select is(
  pg_temp.problem(format('select api.list_account_users(%L)', pg_temp.times(10, '&', 'any(groups,id=UGR-1234-5678)'))),
  pg_temp.invalid(jsonb_build_object('$filter', jsonb_build_array(
    'position 1: the filter costs 110 and may cost 100: what '
    'asks for groups, buyers or modules costs 10, any other expression 1, ten values in lists 1'))),
  'ten subqueries are too expensive');
select is(
  pg_temp.problem(format('select api.list_account_users(%L)',
    pg_temp.times(9, '&', 'any(groups,id=UGR-1234-5678)'))), null,
  'nine are not');
select api.configure('{"limit.filter": 9, "limit.set": 64}') as ignored \gset
select isnt(pg_temp.problem('select api.list_account_users(''ne(groups.name,a)'')'), null,
  'the limit is a setting, and a field of a collection is dear too');
select is(
  pg_temp.problem(format('select * from api.create_account_users(%L)',
    (select jsonb_agg(i) from generate_series(1, 65) as i))),
  pg_temp.invalid('{"$": ["has more than 64 items"]}'), 'a set has a limit');
select is(
  (select count(*) from api.create_account_users(
    (select jsonb_agg('{}'::jsonb) from generate_series(1, 64)))), 64::bigint,
  'of which it may have all');

-- Parsing stops at the first exceeded limit.
select pg_temp.least_cost('select api.list_account_users(''limit=1'')', 20) as plain \gset
select cmp_ok(pg_temp.least_cost(c.call, 20), '<', 5 * :'plain'::numeric,
  'refused for less than five plain lists: ' || left(q.query, 20))
from (values (repeat('(', 8000)), (repeat(')', 8000)), (repeat('"', 7999)), (repeat('="', 4000)), (repeat('a&', 4000)),
  (repeat('& ', 4000)), (repeat('limit=1&', 1000)),
  ('select=' || repeat('a,', 3990)), ('order=' || repeat('id,', 2600)),
  ('user.name=' || repeat('\', 3900) || ')'), ('eq(' || repeat('%41', 2600))) as q (query)
cross join lateral (
  select format('select pg_temp.problem(%L)', format('select api.list_account_users(%L)', q.query))) as c (call);

select * from finish();
rollback;
