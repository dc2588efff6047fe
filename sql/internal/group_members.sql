-- What groups give a membership, as members of its JSON object: groups, buyers (each once, through however many groups
-- it is reached) and modules, each with the buyers of the groups that have it; null where wanted does not name it.
create or replace function internal.group_members(
  user_group_keys bigint[], wanted text[], out groups text, out buyers text, out modules text)
language plpgsql stable
as $$
declare
  v_has_buyers constant boolean := 'buyers' = any (wanted);
  v_has_modules constant boolean := 'modules' = any (wanted);
  v_account_key bigint;
  -- The groups of all buyers, and the ids of them all: then no group's list needs to be read.
  v_unbounded bigint[];
  v_all_ids json;
  v_groups json;
  v_buyers json;
begin
  if not v_has_buyers and not v_has_modules and 'groups' <> all (wanted) then
    return;
  end if;

  select
    min(g.account_key),
    array_agg(g.key) filter (where g.has_all_buyers),
    json_agg(json_build_object(
      'id', internal.user_group_id(g.key), 'name', g.name, 'description', g.description, 'logo', g.logo,
      'isDefault', g.is_default) order by g.key)
  into v_account_key, v_unbounded, v_groups
  from unnest(user_group_keys) as k (key)
  join accounts.user_group as g on g.key = k.key;

  if 'groups' = any (wanted) then
    groups := internal.member('groups', coalesce(v_groups, '[]'));
  end if;

  if v_unbounded is not null and (v_has_buyers or v_has_modules) then
    select
      json_agg(json_build_object('id', b.id, 'icon', b.icon, 'name', b.name)),
      json_agg(b.id)
    into v_buyers, v_all_ids
    from (
      select internal.buyer_id(b.key) as id, b.name, b.icon
      from accounts.buyer as b
      where b.account_key = v_account_key
      order by b.key
    ) as b;
  elsif v_has_buyers then
    select json_agg(json_build_object('id', internal.buyer_id(b.key), 'icon', b.icon, 'name', b.name) order by b.key)
    into v_buyers
    from accounts.buyer as b
    where b.key in (
      select r.buyer_key from accounts.user_group_buyer as r where r.user_group_key = any (user_group_keys));
  end if;

  if v_has_buyers then
    buyers := internal.member('buyers', coalesce(v_buyers, '[]'));
  end if;

  if v_has_modules then
    modules := internal.member('modules', (
      select coalesce(json_agg(json_build_object(
        'id', internal.module_id(m.key), 'description', m.description, 'name', m.name,
        'filters', json_build_object('group.buyers', coalesce(
          case when gm.user_group_keys && v_unbounded then v_all_ids
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
        where gm.user_group_key = any (group_members.user_group_keys)
        group by gm.module_key
      ) as gm
      join accounts.module as m on m.key = gm.module_key));
  end if;
end
$$;
