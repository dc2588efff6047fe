-- Included by what measures requests.

-- Milliseconds that a call takes, planned and answered as a whole.
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

-- The least of so many calls.
create function pg_temp.least_cost(call text, times int)
returns numeric
language sql
as $$ select min(pg_temp.cost(call || repeat(' ', i))) from generate_series(1, times) as i $$;

-- A text so many times, each with its number in the place of #.
create function pg_temp.times(count int, separator text, item text)
returns text
language sql
as $$ select string_agg(replace(item, '#', i::text), separator order by i) from generate_series(1, count) as i $$;
