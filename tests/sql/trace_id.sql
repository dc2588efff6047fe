-- The trace id of mutated traceparents matches the pattern of W3C Trace Context.
begin;
select plan(4);

create temporary table variant on commit drop as
with sound as (
  select v || '-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' as text
  from unnest(array['00', '01', 'cc', 'fe', 'ff']) as v
),
piece as (
  select unnest(array['', '0', 'f', 'g', 'A', '-', ' ', e'\n', 'é', '00', '-0']) as text
)
select overlay(s.text placing p.text from i for taken) as text
from sound as s, piece as p, generate_series(1, 56) as i, generate_series(0, 1) as taken
union
select left(s.text, i) from sound as s, generate_series(0, 55) as i
union
select s.text || more from sound as s, unnest(array['-', '-more', '--', 'more', e'-\n']) as more
union
select v || '-' || repeat(t, 32) || '-' || repeat(p, 16) || '-00'
from unnest(array['00', '01']) as v, unnest(array['0', '1', '-', 'F']) as t, unnest(array['0', '1', '-', 'F']) as p;

create function pg_temp.expected(traceparent text)
returns text
language sql
as $$
  select (regexp_match(traceparent, '^(?:00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}'
    '|(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$'))[
    case when traceparent like '00%' then 1 else 2 end]
$$;

select is_empty(
  $$ select v.text, internal.trace_id(v.text), pg_temp.expected(v.text) from variant as v
    where internal.trace_id(v.text) is distinct from pg_temp.expected(v.text) $$,
  'each has the trace id that the pattern finds, or none');
select cmp_ok(count(*) filter (where internal.trace_id(v.text) is not null), '>', 300::bigint, 'many have one')
from variant as v;
select cmp_ok(count(*) filter (where internal.trace_id(v.text) is null), '>', 1000::bigint, 'many have none')
from variant as v;
select is(internal.trace_id(null), null, 'nothing has none');

select * from finish();
rollback;
