-- Runs the statements of a list (internal.compile_list): the keys of its page and its total.
--
-- The total is exact. A page that is not full tells it; otherwise it is read from accounts.member_count or, with a
-- filter, counted. Page and total see the same rows, because a stable function has one snapshot.
--
-- The statements are planned for each call with their values, so the planner may use all methods, which
-- sql/settings.sql denies it for cached plans.
create or replace function internal.run_list(
  page text, total text, parameters text[], account_key bigint, row_limit int, row_offset int,
  out keys bigint[], out row_count bigint)
language plpgsql stable
set enable_seqscan = on
set enable_bitmapscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set enable_material = on
as $$
begin
  keys := '{}';
  -- @plpgsql_check_options: security_warnings = false
  -- The statements contain no text of the query: internal.compile_list builds them from internal.list_fields.
  if row_limit > 0 then
    execute page into keys using parameters, account_key, row_limit, row_offset;
  end if;
  if cardinality(keys) < row_limit and (cardinality(keys) > 0 or row_offset = 0) then
    row_count := row_offset + cardinality(keys);
  else
    execute total into row_count using parameters, account_key;
  end if;
end
$$;

-- The total of a list and the objects of its page. most: null, or, if the page would exceed limit.page, how many such
-- memberships would not; then there are no objects.
create or replace function internal.make_page(
  page text, total text, objects text, omitted text[], parameters text[], account_key bigint, row_limit int,
  row_offset int, out data json, out row_count bigint, out most int)
language plpgsql stable
as $$
declare
  c_most_bytes constant bigint := (select 1024 * s.page_limit from accounts.settings as s);
  v_found constant record := internal.run_list(page, total, parameters, account_key, row_limit, row_offset);
  v_given record;
begin
  row_count := v_found.row_count;
  data := '[]';
  if cardinality(v_found.keys) > 0 then
    v_given := internal.read_given(v_found.keys, omitted);
    if v_given.bytes > c_most_bytes and cardinality(v_found.keys) > 1 then
      most := greatest(c_most_bytes * cardinality(v_found.keys) / v_given.bytes, 1);
      return;
    end if;
    -- @plpgsql_check_options: security_warnings = false
    execute format('select json_agg(o.object order by o.position) from (%s) as o', objects) into data
    using v_found.keys, null::text[], v_given.places, v_given.groups, v_given.buyers, v_given.modules;
  end if;
end
$$;

-- The verdict of a list: a page of the memberships of one account, or of all accounts if account_key is null.
create or replace function internal.list_memberships(kind text, account_key bigint, query text)
returns internal.verdict
language plpgsql
as $$
declare
  v_list record;
  v_found record;
  v_errors jsonb;
begin
  select * into strict v_list from internal.compile_list(kind, account_key, query);
  if v_list.errors is not null then
    return internal.refuse_invalid(v_list.errors);
  end if;
  v_errors := internal.check_list_cost(v_list.page, v_list.total, v_list.parameters, account_key,
    v_list.row_offset + v_list.row_limit, v_list.cost, v_list.filter_at, v_list.order_at);
  if v_errors is not null then
    return internal.refuse_invalid(v_errors);
  end if;
  v_found := internal.make_page(
    v_list.page, v_list.total, v_list.objects, v_list.omitted, v_list.parameters, account_key, v_list.row_limit,
    v_list.row_offset);
  if v_found.most is not null then
    return internal.refuse_invalid(jsonb_build_object('limit', jsonb_build_array(format(
      'position %s: groups, buyers, modules and audit of the page have more than %s kB: select less of it, or limit=%s',
      coalesce(v_list.limit_at, 1), (select s.page_limit from accounts.settings as s), v_found.most))));
  end if;
  return internal.succeed(200, json_build_object(
    '$meta', json_build_object(
      'pagination', json_build_object(
        'offset', v_list.row_offset, 'limit', v_list.row_limit, 'total', v_found.row_count),
      'omitted', v_list.omitted),
    'data', v_found.data));
end
$$;
