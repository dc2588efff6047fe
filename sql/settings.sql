-- Settings that every api function makes for itself and for all that it calls, whatever the session, the role or the
-- database has set.
do $$
declare
  v_setting record;
begin
  for v_setting in
    select p.oid::regprocedure as function, s.name, s.value
    from pg_proc as p
    cross join (values
      -- What a literal, a null, a time or a number in text means.
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
      -- Plans are kept, and some are made on the first day, while a table fits into a page and the planner would read
      -- it whole, or join all of it, for as long as the plan is kept. So each row is found by an index, and one table
      -- after the other. internal.run_list, whose statements are planned anew each time, takes this back.
      ('plan_cache_mode', 'force_generic_plan', true),
      ('enable_seqscan', 'off', true),
      ('enable_bitmapscan', 'off', true),
      ('enable_hashjoin', 'off', true),
      ('enable_mergejoin', 'off', true),
      ('enable_material', 'off', true),
      -- It costs more than it gains.
      ('jit', 'off', true)
    ) as s (name, value, is_of_planner)
    where p.pronamespace = 'api'::regnamespace and p.prosecdef
      -- These read tables whole.
      and not (s.is_of_planner and p.proname in ('check', 'repair'))
  loop
    execute format('alter function %s set %I = %s', v_setting.function, v_setting.name,
      case v_setting.name when 'datestyle' then v_setting.value else quote_literal(v_setting.value) end);
  end loop;
end
$$;
