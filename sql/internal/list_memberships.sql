-- The answer to a list: the memberships of one account, or of all for null, that the query asks for.
--
-- The total is exact. It costs something of its own only where the page does not tell: the last page, which is not
-- full, does. Without a filter it is kept (accounts.member_count), with one it is counted. Page and total see the same
-- rows, because a stable function sees one snapshot.
create or replace function internal.list_memberships(kind text, account_key bigint, query text)
returns internal.verdict
language plpgsql stable
as $$
declare
  v_list record;
  v_keys bigint[] := array[]::bigint[];
  v_total bigint;
  v_data json;
begin
  select * into strict v_list from internal.list_statement(kind, account_key, query);
  if v_list.errors is not null then
    return internal.invalid(v_list.errors);
  end if;

  -- @plpgsql_check_options: security_warnings = false
  -- The statement has no text of the query in it: internal.list_statement made it from its own table of fields.
  if v_list.row_limit > 0 then
    execute v_list.page into v_keys using v_list.parameters, account_key, v_list.row_limit, v_list.row_offset;
  end if;
  if cardinality(v_keys) < v_list.row_limit and (cardinality(v_keys) > 0 or v_list.row_offset = 0) then
    v_total := v_list.row_offset + cardinality(v_keys);
  else
    execute v_list.total into v_total using v_list.parameters, account_key;
  end if;

  select coalesce(json_agg(o.object order by o.position), '[]') into v_data
  from internal.selected_objects(kind, v_keys, '{}', v_list.sections, v_list.omitted) as o;
  return internal.done(200, json_build_object(
    '$meta', json_build_object(
      'pagination', json_build_object('offset', v_list.row_offset, 'limit', v_list.row_limit, 'total', v_total),
      'omitted', v_list.omitted),
    'data', v_data));
end
$$;
