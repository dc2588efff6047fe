-- Estimates how many memberships a statement of a list examines, from the planner's cost. The cost of reading pages is
-- left out, because they are usually in memory. The unit is the cost of reading a membership and comparing it a few
-- times: an index look-up costs about seven units, a row of an index scan a third of one.
--
-- Volatile, because a stable function may not use explain.
create or replace function internal.list_examined(statement text, parameters text[], account_key bigint, last int)
returns bigint
language plpgsql
set enable_seqscan = on
set enable_bitmapscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set enable_material = on
set seq_page_cost = 0
set random_page_cost = 0
set max_parallel_workers_per_gather = 0
as $$
declare
  c_cost_of_row constant numeric := 0.06;
  v_plan jsonb;
begin
  -- @plpgsql_check_options: security_warnings = false
  -- The statement is one of internal.compile_list's.
  execute 'explain (format json) ' || statement into v_plan using parameters, account_key, last, 0;
  return (v_plan #>> '{0,Plan,Total Cost}')::numeric / c_cost_of_row;
end
$$;

-- The error of a list that would examine more memberships than limit.examined allows; null if it is within the limit.
-- A small account is always within it, and so is a list without filter and order, which examines only its page.
create or replace function internal.check_list_cost(
  page text, total text, parameters text[], account_key bigint, last int, cost int, filter_at int, order_at int)
returns jsonb
language plpgsql
as $$
declare
  c_most constant int := (select s.examined_limit from accounts.settings as s);
  c_shards constant int := 1000;
  v_members bigint;
  v_examined bigint;
begin
  if filter_at is null and order_at is null then
    return null;
  end if;
  -- Adding up very many shards would be slow; then the estimate decides.
  select case when count(*) < c_shards then sum(s.members) end into v_members
  from (
    select c.members from accounts.member_count as c
    where check_list_cost.account_key is null or c.account_key = check_list_cost.account_key
    limit c_shards
  ) as s;
  if v_members * greatest(cost, 1) <= c_most then
    return null;
  end if;
  if filter_at is not null then
    v_examined := internal.list_examined(total, parameters, account_key, last);
    if v_examined > c_most then
      return jsonb_build_object('$filter', jsonb_build_array(format(
        'position %s: the filter examines about %s memberships and may examine %s: these have an index: ids, the '
        'address, the beginning of the name, audit.created.at, invitation.status', filter_at, v_examined, c_most)));
    end if;
  end if;
  -- In the default order, a page examines at most as many as its total.
  if order_at is not null then
    v_examined := internal.list_examined(page, parameters, account_key, last);
    if v_examined > c_most then
      return jsonb_build_object('order', jsonb_build_array(format(
        'position %s: the page examines about %s memberships and may examine %s: audit.created.at and the name have an '
        'index', order_at, v_examined, c_most)));
    end if;
  end if;
  return null;
end
$$;
