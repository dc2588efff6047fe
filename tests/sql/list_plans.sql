-- The plans of lists with two hundred thousand memberships, half of them in one account: an index serves each list.
-- The explained statement is the one that the list would run.
begin;
\ir lib/fixture.sql
select plan(23);

-- The rows below are consistent, and a million checks of foreign keys are slow.
set local session_replication_role = replica;

insert into accounts.account (type, name, created_by)
select 'Client', 'Plan ' || i, '{"name": "plans"}' from generate_series(1, 500) as i;
insert into accounts.person (email_key)
select format('person.%s@plans.example', i)
from generate_series(1, 200000) as i;
-- Half of the people are in one account, the others in accounts of two hundred. Some invitations have expired, and
-- two in a thousand memberships were removed.
insert into accounts.account_user (account_key, person_key, email, first_name, last_name, status, created_at,
  created_by, updated_by)
select
  case when i % 2 = 0 then internal.account_key(:'client') else a.keys[1 + i / 2 % 500] end,
  p.key,
  format('Person.%s@Plans.Example', i),
  'First' || i * 7919 % 200000,
  'Last' || i % 1000,
  (case when i % 1000 in (4, 5) then 'Removed' when i % 10 < 7 then 'Active' else 'Invited' end)
    ::accounts.account_user_status,
  now() - (200000 - i) * interval '1 minute', '{"name": "plans"}', '{"name": "plans"}'
from generate_series(1, 200000) as i
cross join (select min(key) as first from accounts.person where email_key like '%@plans.example') as f
join accounts.person as p on p.key = f.first + i - 1
cross join (select array_agg(key order by key) as keys from accounts.account where created_by ->> 'name' = 'plans') as a
order by i;
insert into accounts.invitation (account_user_key, code_sha256, sent_at, expires_at, invited_by)
select u.key, sha256('code'), now() - interval '2 days',
  now() + case when u.key % 100 = 8 then interval '-1 hour' else interval '1 day' end, '{"name": "plans"}'
from accounts.account_user as u where u.status = 'Invited';
insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, internal.user_group_key(case when u.key % 500 = 1 then :'client_southern' else :'client_everyone' end),
  u.account_key
from accounts.account_user as u
where u.account_key = internal.account_key(:'client');
set local session_replication_role = origin;
analyze accounts.account, accounts.person, accounts.account_user, accounts.account_user_group, accounts.invitation;
-- As after a vacuum, which cannot run in a transaction: index-only scans are possible.
update pg_class set relallvisible = relpages
where oid in ('accounts.person'::regclass, 'accounts.account_user'::regclass, 'accounts.invitation'::regclass);
select internal.account_id(max(key)) as small from accounts.account where created_by ->> 'name' = 'plans' \gset

-- The nodes of the plan of a list's page or total, with their tables, indexes and rows.
create function pg_temp.nodes(account text, query text, part text)
returns table (node text, relation text, index text, rows numeric)
language plpgsql
as $$
declare
  v_list record;
  v_plan jsonb;
begin
  select * into v_list from internal.compile_list('account_user', internal.account_key(account), query);
  if v_list.errors is not null then
    raise exception 'the query is not valid: %', v_list.errors;
  end if;
  execute format('explain (format json) %s', case part when 'page' then v_list.page else v_list.total end) into v_plan
    using v_list.parameters, internal.account_key(account), v_list.row_limit, v_list.row_offset;
  return query
  select n ->> 'Node Type', n ->> 'Relation Name', n ->> 'Index Name', (n ->> 'Plan Rows')::numeric
  from jsonb_path_query(v_plan, 'strict $.** ? (@.type() == "object") ? (@."Node Type" != "")') as n;
end
$$;

-- What is wrong with a plan: a scan of a whole large table, or a sort of too many rows.
create function pg_temp.faults(account text, query text, most_sorted int default 0, part text default 'page')
returns text[]
language sql
as $$
  select coalesce(array_agg(format('%s %s %s rows', n.node, n.relation, n.rows)), '{}')
  from pg_temp.nodes(account, query, part) as n
  where n.node = 'Seq Scan' and n.relation in ('person', 'account_user', 'invitation', 'account_user_group')
    or n.node = 'Sort' and n.rows > most_sorted
$$;

create function pg_temp.indexes(account text, query text, part text default 'page')
returns text[]
language sql
as $$ select array_agg(distinct n.index) from pg_temp.nodes(account, query, part) as n where n.index is not null $$;

-- Every filter x order x direction x first page and page 100, for each kind of caller. by_created, by_name: indexes
-- of which one must serve the list in that order. sorted: the number of rows that may be sorted, those that match the
-- filter.
create temp table whose as
select w.name, w.account, w.prefix
from (values
  ('the largest account', :'client', ''),
  ('the largest account, asked for', null, 'account.id=' || :'client' || '&'),
  ('a small account', :'small', ''),
  ('all accounts', null, '')
) as w (name, account, prefix);
create temp table served as
select s.*
from (values
  ('the largest account', '', 0, '{account_user_account_key_created_at_idx}'::text[],
    '{account_user_account_key_sort_name_idx}'::text[]),
  ('the largest account', 'invitation.status=Active&', 0, '{account_user_account_key_status_idx}',
    '{account_user_account_key_sort_name_idx}'),
  ('the largest account', 'invitation.status=Invited&', 30000, '{account_user_account_key_status_idx}',
    '{account_user_account_key_sort_name_idx,account_user_account_key_status_idx}'),
  ('the largest account', 'invitation.status=InvitationExpired&', 30000, '{account_user_account_key_status_idx}',
    '{account_user_account_key_sort_name_idx,account_user_account_key_status_idx}'),
  ('the largest account', 'user.email=person.500@plans.example&', 10, '{person_email_key_key}',
    '{person_email_key_key}'),
  ('the largest account', 'user.name=First500 Last4&', 10, '{account_user_account_key_sort_name_idx}',
    '{account_user_account_key_sort_name_idx}'),
  ('the largest account', 'like(user.name,First50012*)&', 2000, '{account_user_account_key_sort_name_idx}',
    '{account_user_account_key_sort_name_idx}'),
  ('the largest account', 'ilike(user.name,first50012*)&', 2000, '{account_user_account_key_sort_name_idx}',
    '{account_user_account_key_sort_name_idx}'),
  ('all accounts', '', 0, '{account_user_created_at_idx}', '{account_user_sort_name_idx}'),
  ('all accounts', 'invitation.status=Active&', 0, '{account_user_created_at_idx}', '{account_user_sort_name_idx}'),
  ('all accounts', 'invitation.status=Invited&', 0, '{account_user_created_at_idx}', '{account_user_sort_name_idx}'),
  ('all accounts', 'invitation.status=InvitationExpired&', 0, '{account_user_created_at_idx}',
    '{account_user_sort_name_idx}'),
  ('all accounts', 'user.email=person.500@plans.example&', 10, '{person_email_key_key}', '{person_email_key_key}'),
  ('all accounts', 'user.name=First500 Last4&', 10, '{account_user_sort_name_idx}', '{account_user_sort_name_idx}'),
  ('all accounts', 'like(user.name,First50012*)&', 2000, '{account_user_sort_name_idx}',
    '{account_user_sort_name_idx}'),
  ('all accounts', 'ilike(user.name,first50012*)&', 2000, '{account_user_sort_name_idx}',
    '{account_user_sort_name_idx}')
) as s (name, filter, sorted, by_created, by_name);
insert into served
select w.name, s.filter, case w.name when 'a small account' then 300 else s.sorted end,
  case when w.name <> 'a small account' then s.by_created end,
  case when w.name <> 'a small account' then s.by_name end
from served as s
cross join (values ('the largest account, asked for'), ('a small account')) as w (name)
where s.name = 'the largest account';

create temp table list as
select w.name, w.account, w.prefix || s.filter || o.part || case
    -- Sorting this few rows is cheaper than scanning a third of them. Pages of a fifth: the table is a fifth of a
    -- million.
    when w.name = 'all accounts' and s.filter ~ 'Invit' and p.part <> '' then '&limit=20&offset=1980'
    else p.part
  end as query, s.sorted,
  case when o.part like '%name' then s.by_name else s.by_created end as by_index
from whose as w
join served as s on s.name = w.name
cross join (values ('order=audit.created.at'), ('order=-audit.created.at'), ('order=user.name'), ('order=-user.name'))
  as o (part)
cross join (values (''), ('&offset=9900')) as p (part);
select is((select count(*) from list), 256::bigint, 'all of them');
select is_empty(
  $$ select l.name, l.query, f.faults from list as l, pg_temp.faults(l.account, l.query, l.sorted) as f (faults)
    where f.faults <> '{}' $$,
  'no list scans a table or sorts more than its filter matches');
select is_empty(
  $$ select l.name, l.query, i.indexes, l.by_index from list as l, pg_temp.indexes(l.account, l.query) as i (indexes)
    where l.by_index is not null and not i.indexes && l.by_index $$,
  'each is served by the index that is there for it');

select is(pg_temp.faults(w.account, w.query, w.most_sorted), '{}', w.query || ' of ' || w.name)
from (values
  (1, 'the largest account', :'client', '', 0),
  (2, 'the largest account', :'client', 'ge(audit.created.at,2000-01-01)&order=audit.created.at', 0),
  (3, 'all accounts', null, '', 0),
  (4, 'all accounts', null, 'eq(id,AUSR-0000-0000-0000)', 10)
) as w (place, name, account, query, most_sorted)
order by w.place;

select is(pg_temp.indexes(:'client', 'order=audit.created.at'), array['account_user_account_key_created_at_idx'],
  'an account in order of creation is read from its index');
select is(
  pg_temp.indexes(:'client', 'eq(invitation.status,Active)&order=-audit.created.at'),
  array['account_user_account_key_status_idx'], 'so are those of one status');
select ok(
  pg_temp.indexes(:'client', 'eq(user.email,person.500@plans.example)') @> array['person_email_key_key'],
  'an address is looked up');
select is(pg_temp.indexes(:'client', query), array['account_user_account_key_sort_name_idx'],
  'the members are read by name from the account''s own index, and nobody else: ' || query)
from unnest(array[
  'order=user.name', 'order=-user.name&offset=9900', 'order=user.name&ilike(user.name,first500*)',
  'gt(user.name,first5)&order=user.name']) as q (query);
select ok(not pg_temp.indexes(:'client', query) @> array['account_user_created_at_idx'],
  'no list of one account walks through the others: ' || query)
from unnest(array['', 'order=-audit.created.at&offset=9900']) as q (query);
select is((select array_agg(n.node) from pg_temp.nodes(null, query, 'total') as n where n.relation = 'account_user'),
  array['Index Only Scan'], 'the total of all accounts is counted in an index alone: ' || query)
from unnest(array['ilike(user.name,first50*)', 'gt(user.name,first5)']) as q (query);
select ok((select bool_or(n.node like '%Join') from pg_temp.nodes(account, query, 'total') as n),
  'a total joins the invitations and looks for none by itself: ' || query)
from unnest(array['invitation.status=Invited', 'invitation.status=InvitationExpired']) as q (query)
cross join (values (null), (:'client')) as a (account);
select is(pg_temp.faults(:'small', '', 0, 'total'), '{}', 'the total of an account scans no table');

select * from finish();
rollback;
