-- The objects of a list, made as a set. internal.membership_objects makes the same of one membership, with a plan that
-- is kept; a list's statement is made for what it selects and planned for its page.

-- What an object of a list consists of, in order: path and the SQL of its value, in terms of u (membership), a
-- (account), s (its invitation's status) and the parameters of internal.list_objects.
create or replace function internal.list_members(kind text)
returns table (steps text[], sql text)
language sql immutable parallel safe
as $$
  select string_to_array(m.path, '.'), m.sql
  from (values
    ('account_user', 10, 'id', 'internal.account_user_id(u.key)'),
    ('user', 10, 'id', 'internal.person_id(u.person_key)'),
    ('account_user', 30, '$meta', '$6'),
    ('user', 99, '$meta', '$6'),
    ('user', 31, 'email', 'u.email'),
    ('user', 32, 'status', 's.status'),
    ('user', 33, 'firstName', 'u.first_name'),
    ('user', 34, 'lastName', 'u.last_name'),
    ('user', 35, 'name', 'u.first_name || '' '' || u.last_name'),
    ('user', 36, 'phone.prefix', 'u.phone_prefix'),
    ('user', 37, 'phone.number', 'u.phone_number'),
    ('user', 38, 'settings.cultureCode', 'u.culture_code'),
    ('user', 39, 'settings.languageCode', 'u.language_code'),
    ('user', 40, 'icon', 'u.icon'),
    ('account_user', 31, 'user.id', 'internal.person_id(u.person_key)'),
    ('account_user', 32, 'user.icon', 'u.icon'),
    ('account_user', 33, 'user.name', 'u.first_name || '' '' || u.last_name'),
    ('both', 50, 'groups', '($3)[k.set]'),
    ('both', 51, 'buyers', '($4)[k.set]'),
    ('both', 52, 'modules', '($5)[k.set]'),
    ('both', 60, 'account.id', 'internal.account_id(a.key)'),
    ('both', 61, 'account.icon', 'a.icon'),
    ('both', 62, 'account.type', 'a.type'),
    ('both', 63, 'account.status', 'a.status'),
    ('both', 64, 'account.name', 'a.name'),
    ('both', 70, 'invitation.status', 's.status'),
    ('both', 20, 'audit.created.at', 'internal.timestamp_text(u.created_at)'),
    ('both', 21, 'audit.created.by', 'u.created_by'),
    ('both', 22, 'audit.updated.at', 'internal.timestamp_text(u.updated_at)'),
    ('both', 23, 'audit.updated.by', 'u.updated_by'),
    ('both', 24, 'audit.invitationAcceptedAt', 'internal.timestamp_text(u.invitation_accepted_at)'),
    ('both', 25, 'audit.access.at', 'internal.timestamp_text(u.access_at)'),
    ('both', 26, 'audit.joined.at', 'internal.timestamp_text(u.joined_at)'),
    ('both', 90, 'lastLoginAt', 'internal.timestamp_text(u.last_login_at)')
  ) as m (kind, place, path, sql)
  where m.kind in (list_members.kind, 'both')
  order by case
    when list_members.kind = 'user' and m.path like 'audit.%' then 80
    when list_members.kind = 'user' and m.path like 'account.%' then 45
    else m.place
  end, m.place
$$;

-- The SQL of an object without the paths that are omitted.
create or replace function internal.list_object(kind text, omitted text[])
returns text
language plpgsql stable
as $$
declare
  v_steps text[];
  v_value text;
  v_open text[] := array[]::text[];
  v_sql text := 'json_build_object(';
begin
  for v_steps, v_value in
    select m.steps, m.sql
    from internal.list_members(kind) as m
    where not exists (
      select from generate_series(1, cardinality(m.steps)) as n (length)
      where array_to_string(m.steps[:n.length], '.') = any (omitted))
  loop
    while v_open <> v_steps[:cardinality(v_open)] loop
      v_open := trim_array(v_open, 1);
      v_sql := v_sql || ')';
    end loop;
    while cardinality(v_open) < cardinality(v_steps) - 1 loop
      v_open := v_steps[:cardinality(v_open) + 1];
      v_sql := concat(v_sql, case when v_sql not like '%(' then ', ' end,
        format('%L, json_build_object(', v_open[cardinality(v_open)]));
    end loop;
    v_sql := concat(v_sql, case when v_sql not like '%(' then ', ' end,
      format('%L, %s', v_steps[cardinality(v_steps)], v_value));
  end loop;
  return v_sql || repeat(')', cardinality(v_open) + 1);
end
$$;

-- The statement that makes the objects of a page: $1 their keys, $2 for each the place of what its groups give in $3 to
-- $5 (groups, buyers, modules), $6 their $meta.
create or replace function internal.list_objects(kind text, omitted text[])
returns text
language sql stable
as $$
  select format('select json_agg(%s order by k.position)'
    ' from unnest($1, $2) with ordinality as k (key, set, position)'
    ' join accounts.account_user as u on u.key = k.key', o.sql)
    || case when o.sql ~ '\ma\.' then ' join accounts.account as a on a.key = u.account_key' else '' end
    || case when o.sql ~ '\ms\.'
      then format(' cross join lateral (select %s as status) as s', internal.rql_status()) else '' end
  from internal.list_object(kind, omitted) as o (sql)
$$;

-- What the groups of memberships give, as internal.list_objects takes it, each set of groups once, and how many bytes
-- that is in all memberships. What is omitted is not put together. An audit counts as a kB.
create or replace function internal.list_given(
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
    select v_sets[k.position] as set, k.groups, k.buyers, k.modules from internal.kept_group_members(v_sets) as k
  ),
  missing as materialized (
    select array(select s.set from unnest(v_sets) as s (set) except select k.set from kept as k) as sets
  ),
  given as materialized (
    select g.set,
      internal.list_given_member(g.groups, 'groups', omitted) as groups,
      internal.list_given_member(g.buyers, 'buyers', omitted) as buyers,
      internal.list_given_member(g.modules, 'modules', omitted) as modules
    from (
      select k.set, k.groups, k.buyers, k.modules from kept as k
      union all
      select m.sets[g.position], g.groups, g.buyers, g.modules
      from missing as m, internal.group_members(m.sets, v_wanted) as g
    ) as g
  )
  select array_agg(g.groups order by g.set), array_agg(g.buyers order by g.set), array_agg(g.modules order by g.set),
    array_agg(octet_length(concat(g.groups, g.buyers, g.modules)) order by g.set)
  into groups, buyers, modules, v_sizes
  from (select g.set collate "C" as set, g.groups, g.buyers, g.modules from given as g) as g;

  bytes := bytes + (select sum(v_sizes[p.place]) from unnest(places) as p (place));
end
$$;

-- The value of a member that groups give ("name" : [...]), as far as it is not omitted.
create or replace function internal.list_given_member(member text, name text, omitted text[])
returns json
language sql stable
as $$
  select case when name <> all (omitted)
    then internal.selected(substr(member, position('[' in member))::json, omitted, name || '.') end
$$;
