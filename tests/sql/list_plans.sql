-- The plans of lists on two hundred thousand memberships, a hundred thousand of them in one account: each is served by
-- an index. What is explained is the statement that the list would run.
begin;
\ir lib/fixture.sql
select plan(35);

-- The rows below are right, and a million checks of foreign keys are slow.
set local session_replication_role = replica;

insert into accounts.account (type, name, created_by)
select 'Client', 'Plan ' || i, '{"name": "plans"}' from generate_series(1, 500) as i;
insert into accounts.person (email, first_name, last_name)
select format('Person.%s@Plans.Example', i), 'First' || i * 7919 % 200000, 'Last' || i % 1000
from generate_series(1, 200000) as i;
-- Half of the people in one account, the others in two hundred a piece. Some invitations have expired, and two of a
-- thousand memberships were removed.
insert into accounts.account_user (account_key, person_key, sort_name, status, created_at, created_by, updated_by)
select
  case when i % 2 = 0 then internal.account_key(:'client') else a.keys[1 + i / 2 % 500] end,
  p.key,
  p.sort_name,
  (case when i % 1000 in (4, 5) then 'Removed' when i % 10 < 7 then 'Active' else 'Invited' end)
    ::accounts.account_user_status,
  now() - (200000 - i) * interval '1 minute', '{"name": "plans"}', '{"name": "plans"}'
from generate_series(1, 200000) as i
cross join (select min(key) as first from accounts.person where email like '%@Plans.Example') as f
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
select internal.account_id(max(key)) as small from accounts.account where created_by ->> 'name' = 'plans' \gset

-- The nodes of the plan of a list's page or total, with the tables, indexes and rows that each is about.
create function pg_temp.nodes(account text, query text, part text)
returns table (node text, relation text, index text, rows numeric)
language plpgsql
as $$
declare
  v_list record;
  v_plan jsonb;
begin
  select * into v_list from internal.list_statement('account_user', internal.account_key(account), query);
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

-- What is wrong with a plan: a scan of a whole big table, or a sort of more than there may be.
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

select is(pg_temp.faults(w.account, w.query, w.most_sorted), '{}', w.query || ' of ' || w.name)
from (values
  (1, 'the largest account', :'client', '', 0),
  (2, 'the largest account', :'client', 'order=-audit.created.at', 0),
  (3, 'the largest account', :'client', 'order=-audit.created.at&offset=9900', 0),
  (4, 'the largest account', :'client', 'eq(invitation.status,Active)&order=audit.created.at', 0),
  (5, 'the largest account', :'client', 'eq(invitation.status,Active)&order=-audit.created.at&offset=9900', 0),
  (6, 'the largest account', :'client', 'eq(invitation.status,Invited)&order=audit.created.at', 0),
  (7, 'the largest account', :'client', 'eq(invitation.status,InvitationExpired)&order=audit.created.at', 0),
  (8, 'the largest account', :'client', 'eq(user.email,person.500@plans.example)', 10),
  (9, 'the largest account', :'client', 'eq(user.name,First500 Last4)&order=audit.created.at', 10),
  (10, 'the largest account', :'client', 'like(user.name,First500*)&order=user.name', 100),
  (11, 'the largest account', :'client', 'ilike(user.name,first500*)&order=audit.created.at', 100),
  (12, 'the largest account', :'client', 'order=user.name', 0),
  (13, 'the largest account', :'client', 'order=-user.name', 0),
  (14, 'the largest account', :'client', 'eq(invitation.status,Active)&order=user.name', 0),
  (14, 'the largest account', :'client', 'order=user.name&offset=9900', 0),
  (14, 'the largest account', :'client', 'ge(audit.created.at,2000-01-01)&order=audit.created.at', 0),
  (15, 'a small account', :'small', 'order=audit.created.at', 300),
  (16, 'a small account', :'small', 'eq(invitation.status,Active)', 300),
  (17, 'a small account', :'small', 'order=user.name&limit=20', 300),
  (18, 'all accounts', null, '', 0),
  (19, 'all accounts', null, 'order=-audit.created.at&offset=9900', 0),
  (20, 'all accounts', null, 'order=user.name', 0),
  (21, 'all accounts', null, 'eq(user.email,person.500@plans.example)', 10),
  (22, 'all accounts', null, 'eq(account.id,' || :'client' || ')&order=audit.created.at', 0),
  (23, 'all accounts', null, 'eq(id,AUSR-0000-0000-0000)', 10)
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
select is(pg_temp.faults(:'small', '', 0, 'total'), '{}', 'the total of an account scans no table');

select * from finish();
rollback;
