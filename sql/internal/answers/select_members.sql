-- What select leaves out: omitted, the paths, each as short as possible and in the order of the object. selection:
-- "+a,+b.c,-d"; a name without a sign is included; the last mention of a path counts. at: the position of the selection
-- in the query, for error messages. Without a selection an object has all members, and one in a list all but audit,
-- buyers and modules. invitation.url is included only if there is a code, whatever is selected.
create or replace function internal.select_members(
  kind text, selection text, at int, is_list boolean, has_code boolean,
  out omitted text[], out problems text[])
language plpgsql stable
as $$
declare
  -- What a list leaves out unless it is selected.
  c_heavy constant text[] := case when is_list then '{audit,buyers,modules}' else '{}' end::text[];
begin
  if selection is null then
    omitted := c_heavy || case when has_code then '{}' else '{invitation.url}'::text[] end;
    problems := '{}';
    return;
  end if;
  problems := internal.rql_fields_excess(selection, at, (select l.selected from internal.rql_limits() as l));
  if problems is not null then
    return;
  end if;
  with item as materialized (
    select
      i.position,
      regexp_replace(btrim(i.item), '^[+-]', '') as path,
      btrim(i.item) not like '-%' as is_added,
      at + (sum(char_length(i.item) + 1) over (order by i.position))::int - char_length(i.item) - 1 as at
    from string_to_table(selection, ',') with ordinality as i (item, position)
  ),
  leaf as materialized (
    select
      f.place,
      string_to_array(f.path, '.') as steps,
      coalesce(
        (select i.is_added from item as i
          where i.path = f.path or starts_with(f.path, i.path || '.')
          order by i.position desc
          limit 1),
        split_part(f.path, '.', 1) <> all (c_heavy))
        and (has_code or f.path <> 'invitation.url') as is_kept,
      f.path
    from internal.list_fields(kind) with ordinality as f (path, type, expression, is_member, place)
    where f.is_member
  ),
  node as materialized (
    select array_to_string(l.steps[:n.length], '.') as path, n.length, min(l.place) as place,
      bool_or(l.is_kept) as is_kept
    from leaf as l, generate_series(1, cardinality(l.steps)) as n (length)
    group by array_to_string(l.steps[:n.length], '.'), n.length
  )
  select
    array(
      select n.path from node as n
      where not n.is_kept
        and not exists (
          select from node as parent
          where not parent.is_kept and parent.path = regexp_replace(n.path, '\.[^.]*$', '') and parent.path <> n.path)
      order by n.place),
    array(
      select format('position %s: %s is not a field to select', i.at, i.path) from item as i
      where not exists (select from node as n where n.path = i.path)
      order by i.position)
  into omitted, problems;
end
$$;

-- What is wrong with the query of a request that takes only select, up to the limit of reported mistakes; null if
-- nothing is.
create or replace function internal.selection_errors(kind text, query text)
returns jsonb
language plpgsql stable
as $$
begin
  if coalesce(query, '') = '' then
    return null;
  end if;
  return (
    select jsonb_object_agg(e.name, e.problems)
    from (
      select f.name, jsonb_agg(f.problem order by f.position) as problems
      from (
        select m.name, m.position, m.problem
        from (
          select
            case when p.name = '$filter'
              then coalesce(nullif(btrim(substring(p.value from '^[^(=]*')), ''), p.name) else p.name end as name,
            p.position,
            coalesce(p.problem, case
              when p.name <> 'select' then format('position %s: is not a parameter here', p.position)
            end) as problem
          from internal.read_parameters(query) as p
          union all
          select 'select', s.position, m.problem
          from (
            select p.value, p.position from internal.read_parameters(query) as p
            where p.name = 'select' and p.problem is null
            order by p.position
            limit 1) as s,
            unnest((internal.select_members(kind, s.value, s.position, false, false)).problems) as m (problem)
        ) as m
        where m.problem is not null
        order by m.position
        limit (select l.mistakes from internal.rql_limits() as l)
      ) as f
      group by f.name
    ) as e);
end
$$;

-- The object of one membership for the query of its request, which takes only select. kind: the shape, 'account_user'
-- or 'user'. code: the new one-time code, or null. errors: null, or why there is no object.
create or replace function internal.select_object(
  kind text, key bigint, code text, query text, out object json, out errors jsonb)
language plpgsql stable
as $$
declare
  c_codes constant text[] := case when code is not null then array[code] end;
begin
  if coalesce(query, '') = '' then
    select o.object into object from internal.build_objects(kind, array[key], c_codes) as o;
    return;
  end if;
  errors := internal.selection_errors(kind, query);
  if errors is null then
    select o.object into object
    from internal.read_parameters(query) as p
    cross join lateral internal.select_members(kind, p.value, 0, false, code is not null) as m
    cross join lateral internal.select_objects(kind, array[key], c_codes, m.omitted) as o
    where p.name = 'select';
  end if;
end
$$;
