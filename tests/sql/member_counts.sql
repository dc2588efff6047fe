-- The stored count of an account's members equals that of its rows, whatever changes them.
begin;
\ir lib/fixture.sql
select plan(13);

create function pg_temp.miscounted()
returns table (account_key bigint, kept numeric, counted bigint)
language sql
as $$
  select a.key, coalesce(c.kept, 0), coalesce(u.counted, 0)
  from accounts.account as a
  left join (select m.account_key, sum(m.members) as kept from accounts.member_count as m group by m.account_key) as c
    on c.account_key = a.key
  left join (
    select m.account_key, count(*) as counted from accounts.account_user as m where m.status <> 'Removed'
    group by m.account_key) as u
    on u.account_key = a.key
  where coalesce(c.kept, 0) <> coalesce(u.counted, 0)
$$;

create function pg_temp.kept(account text)
returns bigint
language sql
as $$
  select coalesce(sum(m.members), 0)::bigint from accounts.member_count as m
  where m.account_key = internal.account_key(account)
$$;

select pg_temp.kept(:'client') as before \gset
set local role accountsd_dba;
select api.create_account_user(pg_temp.invitation('ada@example.com', :'client')) ->> 'id' as ada \gset
select api.create_account_user(pg_temp.invitation('bob@example.com', :'client')) ->> 'id' as bob \gset
select api.create_account_user(pg_temp.invitation('ada@example.com', :'client')) ->> 'id' as again \gset
reset role;
select is(pg_temp.kept(:'client'), :before + 2::bigint, 'two members more, one of them invited twice');
set local role accountsd_dba;
select is(
  (api.list_account_users('limit=0') #>> '{$meta,pagination,total}')::numeric,
  (select count(*) from json_array_elements(api.list_account_users('limit=1000') -> 'data'))::numeric,
  'the total of a list is how many there are');
select api.remove_account_user(:'ada') \g /dev/null
reset role;
select is(pg_temp.kept(:'client'), :before + 1::bigint, 'one that is removed does not count');
set local role accountsd_dba;
select api.create_account_user(pg_temp.invitation('ada@example.com', :'client')) ->> 'id' as back \gset
reset role;
select is(pg_temp.kept(:'client'), :before + 2::bigint, 'invited again it does');
select is_empty('select * from pg_temp.miscounted()', 'the procedures keep the count');

-- Rows changed directly, several accounts in one statement.
insert into accounts.person (email_key)
select format('m%s@count.example', i) from generate_series(1, 50) as i;
insert into accounts.account_user
  (account_key, person_key, status, email, first_name, last_name, created_by, updated_by)
select internal.account_key(case when p.key % 2 = 0 then :'client' else :'vendor' end), p.key,
  (case when p.key % 5 = 0 then 'Removed' else 'Active' end)::accounts.account_user_status,
  p.email_key, 'M', 'N', '{"name": "n"}', '{"name": "n"}'
from accounts.person as p where p.email_key like '%@count.example';
select is_empty('select * from pg_temp.miscounted()', 'an insert of many keeps it');
update accounts.account_user set status = 'Removed' where created_by ->> 'name' = 'n' and key % 3 = 0;
select is_empty('select * from pg_temp.miscounted()', 'an update of many keeps it');
update accounts.account_user set status = 'Active' where created_by ->> 'name' = 'n' and key % 4 = 0;
select is_empty('select * from pg_temp.miscounted()', 'an update back keeps it');
update accounts.account_user as u set account_key = internal.account_key(:'vendor')
where u.created_by ->> 'name' = 'n' and u.account_key = internal.account_key(:'client');
select is_empty('select * from pg_temp.miscounted()', 'members that move to another account are counted there');
select isnt(pg_temp.kept(:'vendor'), 0::bigint, 'there are some');
delete from accounts.outbox as o using accounts.account_user as u where u.key = o.account_user_key;
delete from accounts.account_user where created_by ->> 'name' = 'n' and key % 2 = 0;
select is_empty('select * from pg_temp.miscounted()', 'a delete of many keeps it');
savepoint before_truncate;
truncate accounts.account_user cascade;
select is_empty('select * from pg_temp.miscounted()', 'after a truncate no members are counted');
rollback to savepoint before_truncate;
select is_empty('select * from pg_temp.miscounted()', 'a rollback keeps it');

select * from finish();
rollback;
