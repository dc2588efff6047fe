-- Settings that every api function makes for itself and for all that it calls, whatever the session, the role or the
-- database has set.
do $$
declare
  v_function regprocedure;
  v_setting record;
begin
  for v_function in
    select p.oid from pg_proc as p where p.pronamespace = 'api'::regnamespace and p.prosecdef
      -- These read tables whole.
      and p.proname not in ('check', 'repair')
  loop
    for v_setting in
      select * from (values
        -- Plans are kept, and some are made on the first day, while a table fits into a page and the planner would read
        -- it whole, or join all of it, for as long as the plan is kept. So each row is found by an index, and one table
        -- after the other. internal.list_memberships, whose statements are planned anew each time, takes this back.
        ('plan_cache_mode', 'force_generic_plan'),
        ('enable_seqscan', 'off'),
        ('enable_bitmapscan', 'off'),
        ('enable_hashjoin', 'off'),
        ('enable_mergejoin', 'off'),
        ('enable_material', 'off'),
        -- It costs more than it gains.
        ('jit', 'off')
      ) as s (name, value)
    loop
      execute format('alter function %s set %I = %L', v_function, v_setting.name, v_setting.value);
    end loop;
  end loop;
end
$$;
