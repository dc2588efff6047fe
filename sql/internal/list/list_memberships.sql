-- Runs a list's statements (internal.list_statement): the keys of its page, its total, and the objects of the page.
--
-- The total is exact. It costs something of its own only where the page does not tell: the last page, which is not
-- full, does. Without a filter it is kept (accounts.member_count), with one it is counted. Page and total see the same
-- rows, because a stable function sees one snapshot.
--
-- The statements are planned each time with the values they are for, so the planner is left the choice that
-- sql/settings.sql takes from kept plans.
create or replace function internal.run_list(
  page text, total text, objects text, omitted text[], parameters text[], account_key bigint, row_limit int,
  row_offset int, out data json, out row_count bigint)
language plpgsql stable
set enable_seqscan = on
set enable_bitmapscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set enable_material = on
as $$
declare
  v_keys bigint[] := array[]::bigint[];
  v_given record;
begin
  -- @plpgsql_check_options: security_warnings = false
  -- The statements have no text of the query in them: internal.list_statement made them from its own table of fields.
  if row_limit > 0 then
    execute page into v_keys using parameters, account_key, row_limit, row_offset;
  end if;
  if cardinality(v_keys) < row_limit and (cardinality(v_keys) > 0 or row_offset = 0) then
    row_count := row_offset + cardinality(v_keys);
  else
    execute total into row_count using parameters, account_key;
  end if;
  if cardinality(v_keys) > 0 then
    v_given := internal.list_given(v_keys, omitted);
    execute objects into data using v_keys, v_given.set_of, v_given.sets, v_given.groups, v_given.buyers,
      v_given.modules, json_build_object('omitted', omitted);
  end if;
end
$$;

-- The answer to a list: the memberships of one account, or of all for null, that the query asks for.
create or replace function internal.list_memberships(kind text, account_key bigint, query text)
returns internal.verdict
language plpgsql stable
as $$
declare
  v_list record;
  v_found record;
begin
  select * into strict v_list from internal.list_statement(kind, account_key, query);
  if v_list.errors is not null then
    return internal.refuse_invalid(v_list.errors);
  end if;
  v_found := internal.run_list(
    v_list.page, v_list.total, v_list.objects, v_list.omitted, v_list.parameters, account_key, v_list.row_limit,
    v_list.row_offset);
  return internal.succeed(200, json_build_object(
    '$meta', json_build_object(
      'pagination', json_build_object(
        'offset', v_list.row_offset, 'limit', v_list.row_limit, 'total', v_found.row_count),
      'omitted', v_list.omitted),
    'data', coalesce(v_found.data, '[]')));
end
$$;
