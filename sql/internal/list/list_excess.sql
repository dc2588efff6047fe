-- Not stable, in which explain is not allowed.
--
-- About how many memberships the planner expects a list's statement to examine: the cost of its plan without that of
-- reading pages, which are in memory as a rule, in units of what it costs to read one and to compare it a few times. To
-- look one up in an index is about seven of these, to read it there in passing a third of one.
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
  -- The statement is one of internal.list_statement's.
  execute 'explain (format json) ' || statement into v_plan using parameters, account_key, last, 0;
  return (v_plan #>> '{0,Plan,Total Cost}')::numeric / c_cost_of_row;
end
$$;

-- Why a list would examine more memberships than the setting allows; null if it does not. Among few
-- memberships any filter and order runs, and without either nothing is examined but the page.
create or replace function internal.list_excess(
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
  -- Of so many shards that to add them up is dear, nothing is known.
  select case when count(*) < c_shards then sum(s.members) end into v_members
  from (
    select c.members from accounts.member_count as c
    where list_excess.account_key is null or c.account_key = list_excess.account_key
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
  -- In the order that there is without one, a page examines what the filter does, or less.
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
