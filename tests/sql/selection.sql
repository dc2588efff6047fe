-- Random select parameters for get, list and create, with both shapes: an object has exactly what was selected, and
-- $meta.omitted names what is missing, each path as short as possible. RQL_SEED=<0..1> chooses other selections.
begin;
\ir lib/fixture.sql
select plan(6);

\set seed 0.5
\getenv seed RQL_SEED
select diag('seed ' || :'seed');
select setseed(:seed) \gset ignored_

-- The leaves of an object: paths without array indexes, except in $meta. An array of texts and an actor are single
-- leaves, as in select.
create function pg_temp.leaves(value jsonb, path text default '')
returns setof text
language plpgsql
as $$
begin
  if path in ('audit.created.by', 'audit.updated.by', 'modules.filters', 'modules.settings.type') then
    return next path;
  elsif jsonb_typeof(value) = 'object' then
    return query select l from jsonb_each(value) as m (name, value),
      pg_temp.leaves(m.value, ltrim(path || '.' || m.name, '.')) as l where m.name <> '$meta';
  elsif jsonb_typeof(value) = 'array' then
    return query select l from jsonb_array_elements(value) as i (item), pg_temp.leaves(i.item, path) as l;
  else
    return next path;
  end if;
end
$$;

-- "+a,-b" of one to five paths, including inner ones.
create function pg_temp.selection(kind text)
returns text
language sql volatile
as $$
  select string_agg((array['%2B', '+', '', '-', '-'])[1 + floor(random() * 5)::int] || s.path, ',')
  from (
    select array_to_string((string_to_array(f.path, '.'))[:n.length], '.') as path
    from internal.list_fields(kind) as f, generate_series(1, 4) as n (length)
    where f.is_member and n.length <= cardinality(string_to_array(f.path, '.'))
    order by random()
    limit 1 + floor(random() * 5)
  ) as s
$$;

-- Whether a plain reading of the selection includes a leaf: the last mention of a path counts.
create function pg_temp.is_wanted(selection text, leaf text, is_list boolean)
returns boolean
language plpgsql
as $$
declare
  v_is_wanted boolean := not (is_list and leaf ~ '^(audit|buyers|modules)\.');
  v_item text;
  v_path text;
begin
  foreach v_item in array string_to_array(replace(selection, '%2B', '+'), ',') loop
    v_path := ltrim(v_item, '+-');
    if leaf = v_path or starts_with(leaf, v_path || '.') then
      v_is_wanted := v_item not like '-%';
    end if;
  end loop;
  return v_is_wanted;
end
$$;

-- Memberships with a value in every field, in two groups.
set local role accountsd_dba;
create function pg_temp.made(kind text, email text, query text)
returns jsonb
language sql volatile
as $$
  select case kind
    when 'user' then api.create_user(r.account, r.request - 'account', query => made.query)
    else api.create_account_user(r.request, query => made.query)
  end::jsonb
  from (
    select q.request #>> '{account,id}' as account, q.request
    from (select pg_temp.invitation(email, current_setting('test.client'),
      pg_temp.ids(current_setting('test.everyone'), current_setting('test.northern'))) as request) as q
  ) as r
$$;
select set_config('test.client', :'client', true), set_config('test.everyone', :'client_everyone', true),
  set_config('test.northern', :'client_northern', true) \gset ignored_
select pg_temp.made('account_user', 'first@select.example', '') as first \gset
reset role;

create temp table whole as
select k.kind, l.leaf, l.place
from (values
  ('account_user', api.get_account_user(:'first'::json ->> 'id')),
  ('user', api.get_user(:'client', :'first'::json #>> '{user,id}'))) as k (kind, object),
  lateral (
    select d.leaf, min(d.place) as place from pg_temp.leaves(k.object::jsonb) with ordinality as d (leaf, place)
    group by d.leaf) as l
union all
select k.kind, 'invitation.url', 1000 from (values ('account_user'), ('user')) as k (kind);
select set_eq('select kind, leaf from whole',
  $$ select k.kind, f.path from (values ('account_user'), ('user')) as k (kind), internal.list_fields(k.kind) as f
    where f.is_member $$, 'the member has all that there is to select');

create temp table trial as
select n.number, k.kind, o.name as operation, pg_temp.selection(k.kind) as selection
from generate_series(1, 40) as n (number),
  (values ('account_user'), ('user')) as k (kind),
  (values ('get'), ('list'), ('create')) as o (name);
create temp table shown as
select t.*, a.object
from trial as t
cross join lateral (
  select case t.operation || ' ' || t.kind
    when 'get account_user' then api.get_account_user(:'first'::json ->> 'id', 'select=' || t.selection)::jsonb
    when 'get user' then api.get_user(:'client', :'first'::json #>> '{user,id}', 'select=' || t.selection)::jsonb
    when 'list account_user' then
      api.list_account_users('id=' || (:'first'::json ->> 'id') || '&select=' || t.selection)::jsonb #> '{data,0}'
    when 'list user' then
      api.list_users(:'client', 'id=' || (:'first'::json #>> '{user,id}') || '&select=' || t.selection)::jsonb
        #> '{data,0}'
    else pg_temp.made(t.kind, format('%s.%s@select.example', t.kind, t.number), 'select=' || t.selection)
  end as object
) as a;

create temp table outcome as
select s.*,
  s.object #> '{$meta,omitted}' as omitted,
  array(select distinct l from pg_temp.leaves(s.object) as l order by 1) as have,
  array(select w.leaf from whole as w where w.kind = s.kind and (w.leaf <> 'invitation.url' or s.operation = 'create')
    and pg_temp.is_wanted(s.selection, w.leaf, s.operation = 'list') order by 1) as want
from shown as s;

select is((select count(*) from outcome), 240::bigint, 'so many selections were tried');
select is_empty($$ select operation, kind, selection, have, want from outcome where have <> want limit 5 $$,
  'every object has exactly what was selected');
select is_empty(
  $$ select o.operation, o.kind, o.selection, o.omitted from outcome as o
    where array(select w.leaf from whole as w where w.kind = o.kind and not exists (
        select from jsonb_array_elements_text(o.omitted) as m (path)
        where w.leaf = m.path or starts_with(w.leaf, m.path || '.')) order by 1) <> o.have limit 5 $$,
  '$meta.omitted names what is not there, and only that');
select is_empty(
  $$ select o.operation, o.kind, o.selection, m.path from outcome as o, jsonb_array_elements_text(o.omitted) as m (path)
    where m.path like '%.%' and not exists (
      select from unnest(o.have) as h (leaf)
      where starts_with(h.leaf, regexp_replace(m.path, '[^.]*$', ''))) limit 5 $$,
  'by paths as short as they can be');
select is_empty(
  $$ select operation, kind, selection from outcome
    where jsonb_array_length(omitted) <> (select count(distinct m) from jsonb_array_elements(omitted) as m) limit 5 $$,
  'each once');

select * from finish();
rollback;
