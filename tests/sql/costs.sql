-- The cost of the most expensive requests within the limits, as a multiple of a plain one, and which requests are
-- refused as too expensive.
begin;
\ir lib/fixture.sql
\ir lib/cost.sql
select plan(46);

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
select sum(pg_temp.invitation_cost(:'client', 0, n)) as ignored from unnest(array[1, 100]) as n \gset
select round(avg(pg_temp.invitation_cost(:'client', i, 1)), 2) as one from generate_series(1, 20) as i \gset
select round(avg(pg_temp.invitation_cost(:'client', i, 100)), 2) as hundred from generate_series(1, 20) as i \gset
select diag(format('one group: %s ms, a hundred: %s ms', :'one', :'hundred'));
select cmp_ok(:'hundred'::numeric, '<', 25 * :'one'::numeric, 'a hundred groups cost less than 25 times what one does');

select is(internal.are_distinct(d.items::jsonb), d.verdict, d.items)
from (values ('[]', true), ('[1, 2]', true), ('[{"id": "A"}, {"id": "B"}, {"id": "A"}]', false)) as d (items, verdict);

select is(
  pg_temp.problem(format('select api.list_account_users(%L)', pg_temp.times(5, '&', 'any(groups,id=UGR-1234-5678)'))),
  pg_temp.invalid(jsonb_build_object('$filter', jsonb_build_array(
    'position 1: the filter costs 55 and may cost 50: what '
    'asks for groups, buyers or modules costs 10, any other expression 1, ten values in lists 1'))),
  'five subqueries are too expensive');
select is(
  pg_temp.problem(format('select api.list_account_users(%L)',
    pg_temp.times(4, '&', 'any(groups,id=UGR-1234-5678)'))), null,
  'four are not');
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
select pg_temp.cost('select api.list_account_users(''limit=1'')', 20) as plain \gset
select cmp_ok(pg_temp.cost(c.call, 20), '<', 5 * :'plain'::numeric,
  'refused for less than five plain lists: ' || left(q.query, 20))
from (values (repeat('(', 8000)), (repeat(')', 8000)), (repeat('"', 7999)), (repeat('="', 4000)), (repeat('a&', 4000)),
  (repeat('& ', 4000)), (repeat('limit=1&', 1000)),
  ('select=' || repeat('a,', 3990)), ('order=' || repeat('id,', 2600)),
  ('user.name=' || repeat('\', 3900) || ')'), ('eq(' || repeat('%41', 2600))) as q (query)
cross join lateral (
  select format('select pg_temp.problem(%L)', format('select api.list_account_users(%L)', q.query))) as c (call);

-- What a list may examine: of the 6,000 memberships of an account 1,000.
select api.configure('{"limit.examined": 1000, "limit.filter": 50}') as ignored \gset
insert into accounts.person (email_key) select format('person.%s@costs.example', i) from generate_series(1, 6000) as i;
insert into accounts.account_user (account_key, person_key, email, first_name, last_name, created_at, created_by,
  updated_by)
select internal.account_key(:'client'), p.key, p.email_key, 'First' || p.key % 1000, 'Last',
  now() - (p.key % 6000) * interval '1 hour', '{"name": "costs"}', '{"name": "costs"}'
from accounts.person as p where p.email_key like 'person.%@costs.example';
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, internal.user_group_key(case when u.key % 100 = 0 then :'client_southern' else :'client_everyone' end),
  u.account_key
from accounts.account_user as u where u.created_by ->> 'name' = 'costs';
analyze accounts.person, accounts.account_user, accounts.account_user_group;

select is(pg_temp.problem(format('select api.list_users(%L, %L)', :'client', query)), null, 'is examined: ' || query)
from unnest(array['', 'limit=0', 'limit=1000', 'offset=900', 'order=-name&offset=900', 'order=-audit.created.at',
  'email=person.500@costs.example', 'in(email,(person.5@costs.example,person.6@costs.example))',
  'ilike(name,first12*)', 'groups.id=' || :'client_southern',
  'ge(audit.created.at,' || current_date - 3 || ')&order=name', 'id=' || internal.person_id(1000001)]) as q (query);
select matches(
  pg_temp.problem(format('select api.list_users(%L, %L)', :'client', q.query)) #>> array['errors', q.name, '0'],
  q.problem, 'is refused: ' || query)
from (values
  ('ilike(name,*zz*)', '$filter', '^position 1: the filter examines about [0-9]+ memberships and may examine 1000: '),
  ('limit=0&icon=a', '$filter', '^position 9: the filter examines about [0-9]+ memberships and may examine 1000: '),
  ('groups.id=' || :'client_everyone', '$filter', '^position 1: the filter examines about [0-9]+ memberships'),
  ('limit=1&order=icon', 'order', '^position 15: the page examines about [0-9]+ memberships and may examine 1000: '),
  ('offset=901', 'offset',
    '^position 8: the page ends at 1001 and may end at 1000: filter by a range of what it is ordered by$'),
  ('limit=1&offset=999999999', 'offset', '^position 16: the page ends at 1000000000 and may end at 1000: ')
) as q (query, name, problem);
select is(pg_temp.problem(format('select api.list_users(%L, %L)', :'vendor', query)), null,
  'among few memberships it is examined: ' || query)
from unnest(array['ilike(name,*zz*)', 'order=icon,-phone.number', 'any(groups,name=x)']) as q (query);
select is((api.list_account_users('limit=0&account.id=' || :'client') #>> '{$meta,pagination,total}')::bigint,
  (api.list_users(:'client', 'limit=0') #>> '{$meta,pagination,total}')::bigint,
  'to ask for an account is to ask for its kept count');

-- What a page may have of groups.
select api.configure('{"limit.page": 64}') as ignored \gset
select pg_temp.problem(format('select api.list_users(%L, ''limit=1000'')', :'client')) #>> '{errors,limit,0}' as problem
\gset
select matches(:'problem'::text, '^position 7: groups, buyers, modules and audit of the page have more than 64 kB: '
  'select less of it, or limit=[0-9]+$', 'a page with too much is refused');
select is(pg_temp.problem(format('select api.list_users(%L, %L)', :'client', query)), null, 'it may have: ' || query)
from unnest(array[substring(:'problem' from 'limit=[0-9]+$'), 'limit=1000&select=-groups', 'limit=1&select=modules'])
  as q (query);

select * from finish();
rollback;
