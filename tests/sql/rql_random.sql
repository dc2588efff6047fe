-- A thousand generated expressions: the list returns exactly the memberships for whose JSON objects a plain
-- evaluation of the expression is true. RQL_SEED=<0..1> chooses another thousand.
begin;
\ir lib/fixture.sql
\ir lib/list_rows.sql
select plan(4);

\set seed 0.5
\getenv seed RQL_SEED
select diag('seed ' || :'seed');
select setseed(:seed) \gset ignored_

create function pg_temp.one_of(variadic choices text[])
returns text
language sql volatile
as $$ select choices[1 + floor(random() * cardinality(choices))::int] $$;

-- The fields to compare: those that filters know and the object shows.
create temp table field (kind text, path text, type text);
insert into field
select k.kind, f.path, split_part(f.type, ':', 1)
from (values ('account_user'), ('user')) as k (kind), internal.list_fields(k.kind) as f
where f.type is not null and f.is_member;

create temp table object as
select 'account_user' as kind, o.value as object
from jsonb_array_elements(
  api.list_account_users('limit=1000&select=+audit,+buyers,+modules')::jsonb -> 'data') as o
union all
select 'user', o.value
from jsonb_array_elements(
  api.list_users(:'client', 'limit=1000&select=+audit,+buyers,+modules')::jsonb -> 'data') as o;

-- Every value at a path, through arrays.
create function pg_temp.values_at(object jsonb, path text[])
returns setof jsonb
language plpgsql
as $$
begin
  if jsonb_typeof(object) = 'array' then
    return query select v from jsonb_array_elements(object) as i (item), pg_temp.values_at(i.item, path) as v;
  elsif cardinality(path) = 0 then
    return next object;
  else
    return query select pg_temp.values_at(object -> path[1], path[2:]);
  end if;
end
$$;

create function pg_temp.age(id text)
returns bigint
language sql
as $$
  select coalesce(internal.account_user_key(id), internal.person_key(id), internal.account_key(id),
    internal.user_group_key(id), internal.buyer_key(id), internal.module_key(id))
$$;

-- value: the value in the object. wanted: {"text"}, or {"constant"}; for like and ilike {"head", "tail"}.
create function pg_temp.compares(operator text, type text, value jsonb, wanted jsonb)
returns boolean
language plpgsql
as $$
declare
  v_value constant text := value #>> '{}';
  v_wanted constant text := wanted ->> 'text';
  v_sign int;
begin
  if wanted ->> 'constant' = 'null()' then
    return value = 'null';
  elsif wanted ->> 'constant' = 'empty()' then
    return value = '""';
  elsif v_value is null then
    return false;
  elsif operator = 'like' and type <> 'email' then
    return starts_with(v_value, wanted ->> 'head')
      and right(v_value, char_length(wanted ->> 'tail')) = wanted ->> 'tail'
      and char_length(v_value) >= char_length((wanted ->> 'head') || (wanted ->> 'tail'));
  elsif operator in ('like', 'ilike') then
    -- Addresses are compared without case by every operator.
    return pg_temp.compares('like', 'text', to_jsonb(lower(v_value)),
      jsonb_build_object('head', lower(wanted ->> 'head'), 'tail', lower(wanted ->> 'tail')));
  elsif type = 'id' then
    v_sign := sign(pg_temp.age(v_value) - pg_temp.age(v_wanted));
  elsif type = 'timestamp' then
    v_sign := sign(extract(epoch from v_value::timestamptz - v_wanted::timestamptz));
  elsif type = 'email' then
    v_sign := case when lower(v_value) = lower(v_wanted) then 0
      when lower(v_value) collate "C" < lower(v_wanted) collate "C" then -1 else 1 end;
  elsif operator = 'eq' then
    return v_value = v_wanted;
  elsif type = 'enum' or type = 'boolean' then
    v_sign := case when v_value = v_wanted then 0 when v_value collate "C" < v_wanted collate "C" then -1 else 1 end;
  else
    v_sign := case when upper(v_value) = upper(v_wanted) then 0
      when upper(v_value) collate "C" < upper(v_wanted) collate "C" then -1 else 1 end;
  end if;
  return case operator when 'eq' then v_sign = 0 when 'gt' then v_sign > 0 when 'ge' then v_sign >= 0
    when 'lt' then v_sign < 0 when 'le' then v_sign <= 0 end;
end
$$;

create function pg_temp.holds(tree jsonb, object jsonb)
returns boolean
language plpgsql
as $$
begin
  case tree ->> 'operator'
    when 'and' then
      return (select bool_and(pg_temp.holds(p.part, object)) from jsonb_array_elements(tree -> 'parts') as p (part));
    when 'or' then
      return (select bool_or(pg_temp.holds(p.part, object)) from jsonb_array_elements(tree -> 'parts') as p (part));
    when 'not' then
      return not pg_temp.holds(tree -> 'parts' -> 0, object);
    when 'any' then
      return (
        select coalesce(bool_or(pg_temp.holds(tree -> 'parts' -> 0, i.item)), false)
        from jsonb_array_elements(object -> (tree ->> 'collection')) as i (item));
    when 'all' then
      return (
        select coalesce(bool_and(pg_temp.holds(tree -> 'parts' -> 0, i.item)), true)
        from jsonb_array_elements(object -> (tree ->> 'collection')) as i (item));
    when 'empty' then
      return object -> (tree ->> 'collection') = '[]';
    when 'ne', 'out' then
      return not pg_temp.holds(tree || '{"operator": "in"}', object);
    else
      return exists (
        select
        from pg_temp.values_at(object, string_to_array(tree ->> 'field', '.')) as v,
          jsonb_array_elements(tree -> 'wanted') as w (wanted)
        where pg_temp.compares(case tree ->> 'operator' when 'in' then 'eq' else tree ->> 'operator' end,
          tree ->> 'type', v, w.wanted));
  end case;
end
$$;

-- A text as a value in a query, in one of the possible notations.
create function pg_temp.written(value text)
returns text
language plpgsql volatile
as $$
declare
  v_way constant text := pg_temp.one_of('bare', 'double', 'single', 'encoded');
  v_escaped constant text := regexp_replace(value, '([*\\"''])', '\\\1', 'g');
begin
  return case
    when value = '' or v_way = 'double' then '"' || replace(v_escaped, '%', '%25') || '"'
    when v_way = 'single' then '''' || replace(v_escaped, '%', '%25') || ''''
    when v_way = 'bare'
      then replace(replace(regexp_replace(v_escaped, '([(),=])', '\\\1', 'g'), '%', '%25'), '&', '%26')
    else (
      select '%22' || coalesce(string_agg('%' || b.part[1], ''), '') || '%22'
      from regexp_matches(encode(convert_to(v_escaped, 'UTF8'), 'hex'), '..', 'g') as b (part))
  end;
end
$$;

-- A value that some object has in the field, or a similar one.
create function pg_temp.value_for(p_kind text, full_path text, type text)
returns text
language plpgsql volatile
as $$
declare
  v_value text;
begin
  select v #>> '{}' into v_value
  from object as o, pg_temp.values_at(o.object, string_to_array(full_path, '.')) as v
  where o.kind = p_kind and v <> 'null'
  order by random()
  limit 1;
  if v_value is null or type = 'timestamp' and random() < 0.2 then
    v_value := case type when 'timestamp' then pg_temp.one_of('2026-03-05', '2026-03-05T13:00:00+01:00',
      '2026-07-01T10:11:12.5Z', '2026-05-01T00:00:00.000Z') else 'nobody' end;
  elsif type in ('text', 'name', 'email') and random() < 0.2 then
    v_value := pg_temp.one_of(upper(v_value), lower(v_value), v_value || 'x', left(v_value, -1), '');
  end if;
  return v_value;
end
$$;

-- An expression as {"query", "tree"}. collection: set inside of any() or all().
create function pg_temp.expression(p_kind text, depth int, collection text)
returns jsonb
language plpgsql volatile
as $$
declare
  v_operator text := pg_temp.one_of('and', 'or', 'not', 'any', 'all', 'compare', 'compare', 'compare', 'empty');
  v_field record;
  v_query text;
  v_parts jsonb[] := '{}';
  v_texts text[] := '{}';
  v_wanted jsonb[] := '{}';
  v_value text;
  v_collection text;
begin
  if v_operator in ('any', 'all', 'empty') and collection is not null or depth = 0 then
    v_operator := 'compare';
  end if;
  if v_operator = 'empty' then
    v_collection := pg_temp.one_of('groups', 'buyers', 'modules');
    return jsonb_build_object('query', format('eq(%s,empty())', v_collection),
      'tree', jsonb_build_object('operator', 'empty', 'collection', v_collection));
  elsif v_operator <> 'compare' then
    if v_operator in ('any', 'all') then
      v_collection := pg_temp.one_of('groups', 'buyers', 'modules');
    end if;
    for i in 1 .. case when v_operator in ('and', 'or') then 1 + floor(random() * 3)::int else 1 end loop
      v_parts := v_parts || pg_temp.expression(p_kind, depth - 1, coalesce(v_collection, collection));
    end loop;
    return jsonb_build_object(
      'query', format('%s(%s%s)', v_operator, v_collection || ',',
        (select string_agg(p ->> 'query', pg_temp.one_of(',', ', ')) from unnest(v_parts) as p)),
      'tree', jsonb_build_object('operator', v_operator, 'collection', v_collection,
        'parts', (select jsonb_agg(p -> 'tree') from unnest(v_parts) as p)));
  end if;

  select f.path as full_path, f.type,
    case when collection is null then f.path else substr(f.path, char_length(collection) + 2) end as path
  into v_field
  from field as f
  where f.kind = p_kind and f.type <> 'collection' and (collection is null or starts_with(f.path, collection || '.'))
  order by random()
  limit 1;
  v_operator := pg_temp.one_of('eq', 'eq', 'ne', 'gt', 'ge', 'lt', 'le', 'like', 'ilike', 'in', 'out');
  if v_operator in ('like', 'ilike') and v_field.type in ('boolean', 'timestamp') then
    v_operator := 'eq';
  end if;

  for i in 1 .. case when v_operator in ('in', 'out') then 3 else 1 end loop
    v_value := pg_temp.value_for(p_kind, v_field.full_path, v_field.type);
    if v_operator in ('eq', 'ne', 'in', 'out') and random() < 0.15 then
      v_value := case when v_field.type in ('text', 'name', 'email') then pg_temp.one_of('null()', 'empty()')
        else 'null()' end;
      v_texts := v_texts || v_value;
      v_wanted := v_wanted || jsonb_build_object('constant', v_value);
    elsif v_operator in ('like', 'ilike') then
      v_value := coalesce(v_value, '');
      v_wanted := v_wanted || jsonb_build_object('head', left(v_value, 2), 'tail', right(v_value, 3));
      -- One word, quoted as a whole, with the star between its parts.
      v_texts := v_texts || concat('"', replace(
        regexp_replace(left(v_value, 2), '([*\\"])', '\\\1', 'g') || '*'
        || regexp_replace(right(v_value, 3), '([*\\"])', '\\\1', 'g'), '%', '%25'), '"');
    else
      v_texts := v_texts || pg_temp.written(v_value);
      v_wanted := v_wanted || jsonb_build_object('text', v_value);
    end if;
  end loop;

  v_query := case when v_operator in ('in', 'out') then '(' || array_to_string(v_texts, ',') || ')' else v_texts[1] end;
  return jsonb_build_object(
    'query', case pg_temp.one_of('call', 'call', 'infix')
      when 'infix' then v_field.path || case when v_operator = 'eq' and random() < 0.5 then '='
        else '=' || v_operator || '=' end || v_query
      else format('%s(%s,%s)', v_operator, v_field.path, v_query)
    end,
    'tree', jsonb_build_object('operator', v_operator, 'field', v_field.path, 'type', v_field.type,
      'wanted', to_jsonb(v_wanted)));
end
$$;

select set_config('test.client', :'client', true) \gset ignored_
-- Of all that may be generated.
select api.configure('{"limit.filter": 1000}') \gset ignored_
create temp table outcome (query text, kind text, have text[], want text[]);
do $$
declare
  v_kind text;
  v_expression jsonb;
  v_query text;
  v_list json;
begin
  for v_number in 1 .. 1000 loop
    v_kind := case v_number % 3 when 0 then 'user' else 'account_user' end;
    v_expression := pg_temp.expression(v_kind, 3, null);
    v_query := (v_expression ->> 'query') || '&limit=1000&order=id&select=-groups,-account,-invitation,-lastLoginAt';
    v_list := case v_kind
      when 'user' then api.list_users(current_setting('test.client'), v_query)
      else api.list_account_users(v_query)
    end;
    insert into outcome
    select v_expression ->> 'query', v_kind,
      array(select d.item ->> 'id' from json_array_elements(v_list -> 'data') as d (item) order by 1),
      array(select o.object ->> 'id' from object as o
        where o.kind = v_kind and pg_temp.holds(v_expression -> 'tree', o.object) order by 1);
    if (v_list #>> '{$meta,pagination,total}')::int <> json_array_length(v_list -> 'data') then
      raise exception 'the total of % is not the number of its rows', v_expression ->> 'query';
    end if;
  end loop;
end
$$;

select is((select count(*) from outcome), 1000::bigint, 'a thousand expressions were tried');
select cmp_ok((select count(*) from outcome where cardinality(want) > 0), '>', 300::bigint, 'many find somebody');
select cmp_ok((select count(*) from outcome as r
    where cardinality(want) < (select count(*) from object as o where o.kind = r.kind)), '>', 300::bigint,
  'many leave somebody out');
select is_empty(
  $$ select query, kind, cardinality(have), cardinality(want) from outcome where have <> want limit 20 $$,
  'every list is what a plain evaluation gives');

select * from finish();
rollback;
