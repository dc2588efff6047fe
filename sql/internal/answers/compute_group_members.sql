-- What sets of groups contribute to a membership: groups, buyers (each once, even if several groups have it) and
-- modules, each with the buyers of the groups that have it; null for one that wanted does not name. All sets must be of
-- one account. One row for each set, an array of keys as text, with its position from 1.
--
-- One statement for all sets, because starting it is most of the cost of a set. Written in SQL, so that it is inlined
-- into the caller's statement, whose plan is cached.
create or replace function internal.compute_group_members(sets text[], wanted text[])
returns table ("position" int, groups json, buyers json, modules json)
language sql stable
as $$
  select
    s.position::int,
    case when 'groups' = any (wanted) then coalesce(g.objects, '[]') end,
    case when 'buyers' = any (wanted) then coalesce(
      case when g.unbounded is not null then b.objects
        else (
          select json_agg(json_build_object(
            'id', internal.buyer_id(b.key), 'icon', b.icon, 'name', b.name) order by b.key)
          from accounts.buyer as b
          where b.key in (
            select r.buyer_key from accounts.user_group_buyer as r where r.user_group_key = any (s.keys::bigint[])))
      end, '[]') end,
    case when 'modules' = any (wanted) then (
      select coalesce(json_agg(json_build_object(
        'id', internal.module_id(m.key), 'description', m.description, 'name', m.name,
        'filters', json_build_object('group.buyers', coalesce(
          case when gm.user_group_keys && g.unbounded then b.ids
            else (
              select json_agg(internal.buyer_id(b.key) order by b.key)
              from (
                select distinct r.buyer_key as key
                from accounts.user_group_buyer as r
                where r.user_group_key = any (gm.user_group_keys)
              ) as b)
          end, '[]')),
        'settings', internal.module_settings(m)) order by m.key), '[]')
      from (
        select gm.module_key, array_agg(gm.user_group_key) as user_group_keys
        from accounts.user_group_module as gm
        where gm.user_group_key = any (s.keys::bigint[])
        group by gm.module_key
      ) as gm
      join accounts.module as m on m.key = gm.module_key) end
  from unnest(sets) with ordinality as s (keys, position)
  cross join lateral (
    select
      min(g.account_key) as account_key,
      -- The groups that have all buyers.
      array_agg(g.key) filter (where g.has_all_buyers) as unbounded,
      json_agg(json_build_object(
        'id', internal.user_group_id(g.key), 'name', g.name, 'description', g.description, 'logo', g.logo,
        'isDefault', g.is_default) order by g.key) as objects
    from unnest(s.keys::bigint[]) as k (key)
    join accounts.user_group as g on g.key = k.key
  ) as g
  -- All buyers of the account, if a group has them; the lists of the groups need not be read then.
  cross join lateral (
    select
      json_agg(json_build_object('id', b.id, 'icon', b.icon, 'name', b.name)) as objects,
      json_agg(b.id) as ids
    from (
      select internal.buyer_id(b.key) as id, b.name, b.icon
      from accounts.buyer as b
      where g.unbounded is not null
        and b.account_key = g.account_key
        and ('buyers' = any (wanted) or 'modules' = any (wanted))
      order by b.key
    ) as b
  ) as b
$$;
