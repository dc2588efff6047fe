-- A kept set of groups equals what the groups contribute now, whatever changes them.
begin;
\ir lib/fixture.sql
select plan(35);

select internal.account_key(:'client') as client_key, internal.user_group_key(:'client_northern') as northern_key \gset

-- The valid kept sets.
create function pg_temp.kept()
returns setof text
language sql
as $$
  select s.user_group_keys::text
  from accounts.user_group_set as s, internal.find_kept_members(array[s.user_group_keys::text]) as k
$$;

-- Valid kept sets that differ from what would be computed now.
create function pg_temp.wrong()
returns setof text
language sql
as $$
  select s.user_group_keys::text
  from accounts.user_group_set as s
  cross join lateral internal.find_kept_members(array[s.user_group_keys::text]) as k
  cross join lateral internal.compute_group_members(array[s.user_group_keys::text], '{groups,buyers,modules}') as m
  where (k.groups::text, k.buyers::text, k.modules::text)
    is distinct from (m.groups::text, m.buyers::text, m.modules::text)
$$;

-- Invites a person into the groups Everyone and Northern, and returns the response without ids, times and code.
create function pg_temp.invited(client text, everyone text, northern text)
returns jsonb
language sql
as $$
  select api.create_account_user(pg_temp.invitation(
    gen_random_uuid() || '@example.com', client, pg_temp.ids(northern, everyone)))::jsonb
    - '{id,audit,user,invitation}'::text[]
$$;
delete from accounts.user_group_set;
select pg_temp.invited(:'client', :'client_everyone', :'client_northern') as first \gset
select is(count(*), 1::bigint, 'an invitation keeps what its groups give') from pg_temp.kept();
select is(pg_temp.invited(:'client', :'client_everyone', :'client_northern'), :'first'::jsonb,
  'the next one is answered from it');
select is_empty('select * from pg_temp.wrong()', 'it is what the groups give');

-- For each change: the kept set is invalid after it, and the next invitation shows it.
create function pg_temp.changes_the_answer(change text, client text, everyone text, northern text, description text)
returns setof text
language plpgsql
as $$
declare
  v_before jsonb := pg_temp.invited(client, everyone, northern);
begin
  if not exists (select from pg_temp.kept()) then
    raise exception 'nothing was kept before: %', description;
  end if;
  execute change;
  return next is_empty('select * from pg_temp.kept()', description || ' voids what was kept');
  return next isnt(pg_temp.invited(client, everyone, northern), v_before, description || ' is told');
  return next is_empty('select * from pg_temp.wrong()', description || ': what is kept is right');
end
$$;

\set args :'client', :'client_everyone', :'client_northern'
select pg_temp.changes_the_answer(format('update accounts.user_group set name = ''North'' where key = %s',
  :northern_key), :args, 'a group''s new name');
select pg_temp.changes_the_answer(format('insert into accounts.buyer (account_key, name, created_by)
  values (%s, ''West'', ''{"name": "n"}'')', :client_key), :args, 'a new buyer');
select pg_temp.changes_the_answer(format('update accounts.buyer set name = ''Far West'' where account_key = %s
  and name = ''West''', :client_key), :args, 'a buyer''s new name');
select pg_temp.changes_the_answer(format('delete from accounts.buyer where account_key = %s and name = ''Far West''',
  :client_key), :args, 'a buyer less');
select pg_temp.changes_the_answer(format('delete from accounts.user_group_module where user_group_key = %s',
  :northern_key), :args, 'a group without modules');
select pg_temp.changes_the_answer(format('insert into accounts.user_group_module (user_group_key, module_key)
  select %s, key from accounts.module', :northern_key), :args, 'a group with a module more');
select pg_temp.changes_the_answer('update accounts.module set name = name || ''!''', :args, 'a module''s new name');

-- A link to a buyer is visible if no group of the set has all buyers.
create function pg_temp.of_northern(client text, northern text)
returns jsonb
language sql
as $$
  select api.create_account_user(pg_temp.invitation(
    gen_random_uuid() || '@example.com', client, pg_temp.ids(northern)))::jsonb -> 'buyers'
$$;
select is(jsonb_array_length(pg_temp.of_northern(:'client', :'client_northern')), 1, 'one buyer');
insert into accounts.user_group_buyer (user_group_key, buyer_key, account_key)
values (:northern_key, internal.buyer_key(:'south'), :client_key);
select is(jsonb_array_length(pg_temp.of_northern(:'client', :'client_northern')), 2, 'a linked buyer is included');
delete from accounts.user_group_buyer
where user_group_key = :northern_key and buyer_key = internal.buyer_key(:'south');
select is(jsonb_array_length(pg_temp.of_northern(:'client', :'client_northern')), 1, 'and a deleted link is not');

select set_eq(
  'select distinct user_group_keys::text from accounts.user_group_set', 'select * from pg_temp.kept()',
  'what is void is gone');

-- What is not kept is computed for a caller who may see the membership, and not before that is known.
select u.key, internal.account_user_id(u.key) as member, internal.person_id(u.person_key) as person
from accounts.account_user as u where u.account_key = :client_key limit 1 \gset
set local track_functions = 'pl';
create function pg_temp.computed(call text)
returns bigint
language plpgsql
as $$
declare
  c_function constant oid := 'internal.compute_given(bigint)'::regprocedure;
  v_before bigint;
begin
  delete from accounts.user_group_set;
  v_before := coalesce(pg_stat_get_xact_function_calls(c_function), 0);
  perform pg_temp.problem(call);
  return coalesce(pg_stat_get_xact_function_calls(c_function), 0) - v_before;
end
$$;
select is(pg_temp.computed(format(c.call, :'member', :'client', :'person', t.token)), t.times,
  format('%s: computed %s times', c.name, t.times))
from (values
  ('a get', 'select api.get_account_user(%1$L, token => %4$L)'),
  ('a get in the shape of a user', 'select api.get_user(%2$L, %3$L, token => %4$L)')
) as c (name, call)
cross join (values (:'client_token', 1::bigint), (:'vendor_token', 0)) as t (token, times);
select pg_temp.invited(:'client', :'client_everyone', :'client_northern') \gset ignored_

-- A change of another account does not invalidate it.
insert into accounts.buyer (account_key, name, created_by)
values (internal.account_key(:'vendor'), 'Other', '{"name": "n"}');
select isnt_empty('select * from pg_temp.kept()', 'another account''s buyer voids nothing');

-- A set that is too large to keep is still returned.
insert into accounts.buyer (account_key, name, created_by)
select :client_key, repeat('x', 90) || i, '{"name": "n"}' from generate_series(1, 400) as i;
select is(jsonb_array_length(pg_temp.invited(:args) -> 'buyers'), 402, 'a long set is answered whole');
select is_empty('select * from pg_temp.kept()', 'and not kept');

select * from finish();
rollback;
