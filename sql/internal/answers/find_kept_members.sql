-- What sets of groups contribute to a membership, as internal.compute_group_members returns it, from the kept sets
-- whose revisions are current.
create or replace function internal.find_kept_members(sets text[])
returns table ("position" int, groups json, buyers json, modules json)
language sql stable
as $$
  select s.position::int, k.groups, k.buyers, k.modules
  from unnest(sets) with ordinality as s (keys, position)
  join accounts.user_group_set as k on k.user_group_keys = s.keys::bigint[]
  join accounts.account as a on a.key = k.account_key and a.groups_revision = k.groups_revision
  join accounts.settings as t on t.modules_revision = k.modules_revision
$$;

-- The same for the groups of one membership, computed and not looked up. Written in plpgsql, so that it is not inlined
-- into the plan of every statement that might need it.
create or replace function internal.compute_given(account_user_key bigint)
returns internal.given_members
language plpgsql stable
as $$
declare
  v_given internal.given_members;
begin
  select m.groups, m.buyers, m.modules into v_given
  from internal.compute_group_members(
    array[array(
      select l.user_group_key from accounts.account_user_group as l
      where l.account_user_key = compute_given.account_user_key)::text],
    '{groups,buyers,modules}') as m;
  return v_given;
end
$$;

-- Stores what these sets contribute, with the revisions of the same snapshot. At most 1,000 sets of an account, and
-- none of more than 64 kB, are kept, so that the table stays small in comparison with the memberships.
create or replace function internal.keep_group_members(sets text[])
returns void
language plpgsql
as $$
declare
  c_most constant int := 1000;
  c_longest constant int := 65536;
begin
  -- In one order, so that concurrent transactions that keep the same sets wait for each other without deadlocks.
  insert into accounts.user_group_set as k
    (user_group_keys, account_key, groups_revision, modules_revision, groups, buyers, modules)
  select sets[m.position]::bigint[], a.key, a.groups_revision, t.modules_revision, m.groups, m.buyers, m.modules
  from internal.compute_group_members(sets, '{groups,buyers,modules}') as m
  cross join lateral (
    select i.account_key from accounts.user_group as i where i.key = (sets[m.position]::bigint[])[1] offset 0
  ) as g
  cross join lateral (select i.* from accounts.account as i where i.key = g.account_key offset 0) as a
  cross join accounts.settings as t
  where octet_length(m.groups::text) + octet_length(m.buyers::text) + octet_length(m.modules::text) <= c_longest
    and (select count(*) from accounts.user_group_set as o where o.account_key = a.key) < c_most
  order by 1
  on conflict (user_group_keys) do update
    set groups_revision = excluded.groups_revision, modules_revision = excluded.modules_revision,
        groups = excluded.groups, buyers = excluded.buyers, modules = excluded.modules
    where k.groups_revision <= excluded.groups_revision and k.modules_revision <= excluded.modules_revision;
end
$$;
