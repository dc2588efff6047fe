-- Settings of every api function, which also hold in the functions that it calls. They override those of the session,
-- the role and the database.
do $$
declare
  v_setting record;
begin
  for v_setting in
    select p.oid::regprocedure as function, s.name, s.value
    from pg_proc as p
    cross join (values
      -- How literals, nulls, times and numbers are read and written as text.
      ('standard_conforming_strings', 'on', false),
      ('backslash_quote', 'safe_encoding', false),
      ('transform_null_equals', 'off', false),
      ('array_nulls', 'on', false),
      ('quote_all_identifiers', 'off', false),
      ('timezone', 'UTC', false),
      ('datestyle', 'ISO, MDY', false),
      ('intervalstyle', 'postgres', false),
      ('extra_float_digits', '1', false),
      ('bytea_output', 'hex', false),
      -- Plans are cached. A plan made while a table fits into one page would read or join the whole table, and would
      -- still do so when the table has grown. So each row is found by an index, one table after the other.
      -- internal.run_list resets these settings, because its statements are planned each time.
      ('plan_cache_mode', 'force_generic_plan', true),
      ('enable_seqscan', 'off', true),
      ('enable_bitmapscan', 'off', true),
      ('enable_hashjoin', 'off', true),
      ('enable_mergejoin', 'off', true),
      ('enable_material', 'off', true),
      -- Compiling takes longer than these statements run.
      ('jit', 'off', true)
    ) as s (name, value, is_of_planner)
    where p.pronamespace = 'api'::regnamespace and p.prosecdef
      -- These read whole tables.
      and not (s.is_of_planner and p.proname in ('check', 'repair'))
  loop
    execute format('alter function %s set %I = %s', v_setting.function, v_setting.name,
      case v_setting.name when 'datestyle' then v_setting.value else quote_literal(v_setting.value) end);
  end loop;
end
$$;
