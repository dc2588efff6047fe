-- Included by tests that measure requests.

-- The time in milliseconds that the processor spends on a call, including its planning, on average of several: other
-- processes have little influence on it. Linux reports the time of a process in nanoseconds in this file.
create function pg_temp.cost(call text, times int default 1)
returns numeric
language plpgsql
as $$
declare
  v_used numeric;
begin
  v_used := split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric;
  for i in 1 .. times loop
    begin
      execute call;
    exception
      when sqlstate 'PT400' then null;
    end;
  end loop;
  return round((split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric - v_used) / times / 1000000, 2);
end
$$;

-- Repeats a text, with its number instead of #.
create function pg_temp.times(count int, separator text, item text)
returns text
language sql
as $$ select string_agg(replace(item, '#', i::text), separator order by i) from generate_series(1, count) as i $$;
