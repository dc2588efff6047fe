-- Compiles the query of a list to its statements: page, which returns the keys of a page in order as an array; total,
-- which counts; and objects, which builds the objects of the page (internal.compile_objects). page and total take $1
-- (text[], parameters: the values of the query), $2 (bigint, the account; null for all accounts), $3 (the limit) and $4
-- (the offset). omitted: the members that the objects leave out. cost: that of the filter for each membership.
-- filter_at, order_at, limit_at: positions in the query, null if it has none. errors: the mistakes of the query, or
-- null; with mistakes the other results have no meaning.
create or replace function internal.compile_list(
  kind text, account_key bigint, query text,
  out page text, out total text, out objects text, out parameters text[], out row_limit int, out row_offset int,
  out omitted text[], out cost int, out filter_at int, out order_at int, out limit_at int,
  out errors jsonb)
language plpgsql stable
as $$
declare
  v_limits constant record := internal.rql_limits();
  v_parameter record;
  v_part record;
  v_members record;
  v_select record;
  v_offset_at int;
  v_settings record;
  v_filters jsonb := jsonb '[]';
  v_terms int := 0;
  v_listed int := 0;
  v_arguments int := 0;
  v_condition text;
  v_is_one_account boolean;
  v_status text;
  v_probe text;
  v_join text;
  v_order text;
  v_where text;
begin
  parameters := array[]::text[];
  errors := jsonb '{}';
  row_limit := v_limits.default_page;
  row_offset := 0;
  select null::text as value, null::int as position into v_select;

  for v_parameter in
    select p.name, p.value, p.position, p.problem from internal.read_parameters(coalesce(query, '')) as p
  loop
    if v_parameter.problem is not null then
      errors := internal.list_error(errors, v_parameter.name, v_parameter.problem);
    elsif v_parameter.name = '$filter' then
      select p.node, p.problem, p.terms, p.listed, p.arguments
      into v_part
      from internal.parse_filter(v_parameter.value, v_parameter.position, v_terms, v_listed, v_arguments) as p;
      filter_at := coalesce(filter_at, v_parameter.position);
      v_terms := v_part.terms;
      v_listed := v_part.listed;
      v_arguments := v_part.arguments;
      v_filters := v_filters || coalesce(v_part.node, '[]');
      errors := internal.list_error(errors, '$filter', v_part.problem);
    elsif v_parameter.name = 'select' then
      v_select := v_parameter;
    elsif v_parameter.name = 'order' then
      select o.terms, o.problems into v_part
      from internal.compile_order(kind, v_parameter.value, v_parameter.position) as o;
      v_order := v_part.terms;
      order_at := v_parameter.position;
      errors := internal.list_error(errors, 'order', variadic v_part.problems);
    elsif v_parameter.name = 'limit' then
      if v_parameter.value !~ '^[0-9]{1,9}$' or v_parameter.value::int > v_limits.page then
        errors := internal.list_error(errors, 'limit', format('position %s: %s is not a number from 0 to %s',
          v_parameter.position, v_parameter.value, v_limits.page));
      else
        row_limit := v_parameter.value::int;
        limit_at := v_parameter.position;
      end if;
    elsif v_parameter.value !~ '^[0-9]{1,9}$' then
      errors := internal.list_error(errors, 'offset', format('position %s: %s is not a number from 0 to 999999999',
        v_parameter.position, v_parameter.value));
    else
      row_offset := v_parameter.value::int;
      v_offset_at := v_parameter.position;
    end if;
  end loop;

  select m.omitted, m.problems into v_members
  from internal.select_members(kind, v_select.value, v_select.position, true, false) as m;
  omitted := v_members.omitted;
  errors := internal.list_error(errors, 'select', variadic v_members.problems);

  select s.filter_limit, s.examined_limit into v_settings from accounts.settings as s;
  if row_offset + row_limit > v_settings.examined_limit then
    errors := internal.list_error(errors, 'offset', format(
      'position %s: the page ends at %s and may end at %s: filter by a range of what it is ordered by',
      v_offset_at, row_offset + row_limit, v_settings.examined_limit));
  end if;
  if errors -> '$filter' is null and v_filters <> '[]' then
    cost := internal.filter_cost(v_filters);
    if cost > v_settings.filter_limit then
      errors := internal.list_error(errors, '$filter', format(
        'position %s: the filter costs %s and may cost %s: what asks for groups, buyers or modules costs 10, any other '
        'expression 1, ten values in lists 1', filter_at, cost, v_settings.filter_limit));
    end if;
  end if;
  if errors -> '$filter' is null and v_filters <> '[]' then
    select c.parameters, c.condition, c.problems into v_part
    from internal.compile_filter(
      jsonb_build_object('call', 'and', 'of', v_filters, 'at', 1), internal.list_fields_by_path(kind), null, parameters,
      '{}') as c;
    parameters := v_part.parameters;
    v_condition := v_part.condition;
    errors := internal.list_error(errors, '$filter', variadic v_part.problems);
  end if;

  if errors <> '{}' then
    return;
  end if;
  errors := null;
  objects := internal.compile_objects(kind, omitted);
  v_order := coalesce(v_order, 'u.created_at, u.key');
  v_is_one_account := account_key is not null
    or jsonb_path_exists(v_filters, '$[*] ? (@.call == "eq" && @.of[0].value == "account.id")');
  -- A page of one account reads few invitations, each by an index. For all accounts, and for a total, a join is
  -- cheaper, because most invitations are read.
  v_status := jsonb_path_query_first(v_filters, '$[*] ? (@.call == "eq"
    && (@.of[0].value == "invitation.status" || @.of[0].value == "status")).of[1].value') #>> '{}';
  v_probe := internal.rql_has_status(v_status, false);
  v_join := internal.rql_has_status(v_status, true);
  if not v_is_one_account and v_status is not null then
    v_condition := replace(v_condition, v_probe, v_join);
  end if;
  -- The expressions of the indexes that serve lists (migrations/deploy/account_users.sql).
  if v_is_one_account then
    v_order := replace(v_order, 'u.created_at', '(u.created_at at time zone ''utc'')');
  end if;
  v_where := ' where u.status <> ''Removed'''
    || case when v_is_one_account then '' else ' and u.key > 0' end
    || case when account_key is not null then ' and u.account_key = $2' else '' end
    || coalesce(' and ' || v_condition, '');
  page := format('select array(select u.key from %s%s order by %s limit $3 offset $4)',
    internal.list_tables(concat(v_condition, v_order)), v_where, v_order);
  if v_condition is null then
    total := 'select coalesce(sum(c.members), 0) from accounts.member_count as c'
      || case when account_key is not null then ' where c.account_key = $2' else '' end;
  elsif account_key is null and jsonb_array_length(v_filters) = 1 and jsonb_path_exists(v_filters,
    '$[0] ? (@.call == "eq" && @.of[0].value == "account.id" && exists(@.of[1].value))') then
    total := 'select coalesce(sum(u.members), 0) from accounts.member_count as u where ' || v_condition;
  else
    total := format('select count(*) from %s%s', internal.list_tables(v_condition), v_where);
    if v_status is not null then
      total := replace(total, v_probe, v_join);
    end if;
  end if;
end
$$;

-- The cost of a filter for each membership. A condition on a collection is a subquery, which is expensive to plan.
create or replace function internal.filter_cost(filters jsonb)
returns int
language sql immutable parallel safe
as $$
  select jsonb_array_length(jsonb_path_query_array(filters,
      'strict $.** ? (@.type() == "object") ? (@.call != "")'))
    + 9 * jsonb_array_length(jsonb_path_query_array(filters, 'strict $.** ? (@.type() == "object")
      ? (@.call == "any" || @.call == "all" || @.of[0].value like_regex "^(groups|buyers|modules)")'))
    + jsonb_array_length(jsonb_path_query_array(filters,
      'strict $.** ? (@.type() == "object") ? (exists(@.list)).list[*]')) / 10
$$;

-- SQL: the tables that a piece of SQL refers to. It contains no values, so its names are those of internal.list_fields.
create or replace function internal.list_tables(sql text)
returns text
language sql immutable parallel safe
as $$
  select 'accounts.account_user as u'
    || case when sql ~ '\mp\.' then ' join accounts.person as p on p.key = u.person_key' else '' end
    || case when sql ~ '\ma\.' then ' join accounts.account as a on a.key = u.account_key' else '' end
$$;

-- Appends messages for one name to an errors object, up to the limit of reported mistakes. Null messages are ignored.
create or replace function internal.list_error(errors jsonb, name text, variadic problems text[])
returns jsonb
language sql immutable parallel safe
as $$
  select case when array_remove(problems, null) = '{}' or jsonb_array_length(errors -> name) >= l.mistakes then errors
    else errors || jsonb_build_object(name,
      coalesce(errors -> name, '[]') || to_jsonb((array_remove(problems, null))[:l.mistakes]))
  end
  from internal.rql_limits() as l
$$;

-- SQL: the terms of an order such as "+a,-b"; a name without a sign is ascending. The key is appended in the direction
-- of the last field, so that an index on the field and the key can be read in both directions.
create or replace function internal.compile_order(
  kind text, value text, at int, out terms text, out problems text[])
language plpgsql stable
as $$
begin
  problems := internal.rql_fields_excess(value, at, (select l.orders from internal.rql_limits() as l));
  if problems is not null then
    return;
  end if;
  select
    string_agg(i.sql || i.direction, ', ' order by i.position)
      || case when bool_or(i.sql = 'u.key') then ''
        else ', u.key' || (array_agg(i.direction order by i.position desc))[1] end,
    coalesce(array_agg(i.problem order by i.position) filter (where i.problem is not null), '{}')
  into terms, problems
  from (
    select
      n.position,
      n.at,
      case when n.item like '-%' then ' desc' else '' end as direction,
      internal.rql_sortable(f.type, f.expression) as sql,
      case
        when f.path is null then format('position %s: %s is not a field', n.at, ltrim(n.item, '+-'))
        when f.type is null or f.type = 'collection' or f.path ~ '^(groups|buyers|modules)\.'
          then format('position %s: %s cannot be sorted by', n.at, f.path)
      end as problem
    from (
      select
        s.position,
        btrim(s.item) as item,
        at + (sum(char_length(s.item) + 1) over (order by s.position))::int - char_length(s.item) - 1 as at
      from string_to_table(compile_order.value, ',') with ordinality as s (item, position)
    ) as n
    left join internal.list_fields(kind) as f on f.path = regexp_replace(n.item, '^[+-]', '')
  ) as i;
  if compile_order.value = '' then
    problems := array[format('position %s: a field is expected', at)];
  end if;
end
$$;
