-- Included by tests that measure requests.

-- The time in milliseconds that a call takes, including its planning.
create function pg_temp.cost(call text)
returns numeric
language plpgsql
as $$
declare
  c_started constant timestamptz := clock_timestamp();
begin
  execute call;
  return round(extract(epoch from clock_timestamp() - c_started) * 1000, 1);
end
$$;

-- The shortest time of several calls.
create function pg_temp.least_cost(call text, times int)
returns numeric
language sql
as $$ select min(pg_temp.cost(call || repeat(' ', i))) from generate_series(1, times) as i $$;

-- Repeats a text, with its number instead of #.
create function pg_temp.times(count int, separator text, item text)
returns text
language sql
as $$ select string_agg(replace(item, '#', i::text), separator order by i) from generate_series(1, count) as i $$;
