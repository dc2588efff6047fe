-- Objects without some of their members, for lists and for select. The statement depends on the omitted members and is
-- planned for each call. internal.build_objects builds whole objects by a cached plan.

-- SQL: the statement that builds objects, as rows of position and object. $1: the keys of the memberships; $2: for each
-- its code, or null; $3: for each the index of what its groups give in $4 to $6 (groups, buyers, modules).
create or replace function internal.compile_objects(kind text, omitted text[])
returns text
language sql stable
as $$
  select format('select k.position::int as position, %s as object'
    ' from unnest($1, $2, $3) with ordinality as k (key, code, set, position)'
    ' join accounts.account_user as u on u.key = k.key'
    ' cross join lateral (select ($4)[k.set] as groups, ($5)[k.set] as buyers, ($6)[k.set] as modules) as given', o.sql)
    || case when o.sql ~ '\ma\.' then ' join accounts.account as a on a.key = u.account_key' else '' end
    || case when o.sql ~ '\minvitation_status\M'
      then format(' cross join lateral (select %s as invitation_status) as s', internal.rql_status()) else '' end
    || case when not omitted && '{invitation,invitation.url}'
      then ' cross join lateral ('
        'select internal.invitation_url(s.invitation_url_base, u.key, k.code) as url'
        ' from accounts.settings as s) as i' else '' end
  from internal.object_sql(kind, omitted) as o (sql)
$$;

-- What the groups of memberships give, for the statement of internal.compile_objects: each set of groups once. bytes:
-- the size of all memberships together, in which an audit counts as 1 kB. Omitted members are not computed.
create or replace function internal.read_given(
  keys bigint[], omitted text[],
  out places int[], out groups json[], out buyers json[], out modules json[], out bytes bigint)
language plpgsql stable
as $$
declare
  v_wanted constant text[] := array(
    select w.name from unnest(array['groups', 'buyers', 'modules']) as w (name) where w.name <> all (omitted));
  v_sets text[];
  v_sizes int[];
begin
  bytes := case when 'audit' = any (omitted) then 0 else 1024 * cardinality(keys) end;
  if v_wanted = '{}' then
    return;
  end if;
  select array_agg(k.place order by k.position), array_agg(distinct k.set) into places, v_sets
  from (
    select k.position, k.set, dense_rank() over (order by k.set) as place
    from (
      select k.position, array(
        select l.user_group_key from accounts.account_user_group as l
        where l.account_user_key = k.key
        order by l.user_group_key)::text collate "C" as set
      from unnest(keys) with ordinality as k (key, position)
    ) as k
  ) as k;

  with kept as materialized (
    select v_sets[k.position] as set, k.groups, k.buyers, k.modules from internal.find_kept_members(v_sets) as k
  ),
  missing as materialized (
    select array(select s.set from unnest(v_sets) as s (set) except select k.set from kept as k) as sets
  ),
  given as materialized (
    select g.set,
      internal.prune_given(g.groups, 'groups', omitted) as groups,
      internal.prune_given(g.buyers, 'buyers', omitted) as buyers,
      internal.prune_given(g.modules, 'modules', omitted) as modules
    from (
      select k.set, k.groups, k.buyers, k.modules from kept as k
      union all
      select m.sets[g.position], g.groups, g.buyers, g.modules
      from missing as m, internal.compute_group_members(m.sets, v_wanted) as g
    ) as g
  )
  select array_agg(g.groups order by g.set), array_agg(g.buyers order by g.set), array_agg(g.modules order by g.set),
    array_agg(octet_length(concat(g.groups, g.buyers, g.modules)) order by g.set)
  into groups, buyers, modules, v_sizes
  from (select g.set collate "C" as set, g.groups, g.buyers, g.modules from given as g) as g;

  bytes := bytes + (select sum(v_sizes[p.place]) from unnest(places) as p (place));
end
$$;

-- The value of a member that groups give, without the omitted paths.
create or replace function internal.prune_given(value json, name text, omitted text[])
returns json
language sql stable
as $$
  select case when name <> all (omitted) then internal.prune(value, omitted, name || '.') end
$$;

-- The objects of memberships without the omitted paths. position counts the keys from 1; the rows come in no particular
-- order. codes: as in internal.build_objects.
create or replace function internal.select_objects(kind text, keys bigint[], codes text[], omitted text[])
returns table ("position" int, object json)
language plpgsql stable
as $$
declare
  c_given constant record := internal.read_given(keys, omitted);
begin
  -- @plpgsql_check_options: security_warnings = false, extra_warnings = false
  -- The statement contains no text of a query: internal.compile_objects builds it from internal.object_members.
  return query execute internal.compile_objects(kind, omitted)
  using keys, codes, c_given.places, c_given.groups, c_given.buyers, c_given.modules;
end
$$;
