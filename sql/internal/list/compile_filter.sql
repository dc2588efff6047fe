-- A value without its escapes: \x is x.
create or replace function internal.rql_text(value text)
returns text
language sql immutable parallel safe
as $$ select regexp_replace(value, '\\(.)', '\1', 'g') $$;

-- The LIKE pattern of a value: * matches any text, \* a star. Wildcards of LIKE in the value are escaped.
create or replace function internal.rql_pattern(value text)
returns text
language sql immutable parallel safe
as $$
  select coalesce(string_agg(
    case
      when m.unit[1] = '*' then '%'
      when right(m.unit[1], 1) in ('%', '_', '\') then '\' || right(m.unit[1], 1)
      else right(m.unit[1], 1)
    end, '' order by m.position), '')
  from regexp_matches(value, '\\.|.', 'g') with ordinality as m (unit, position)
$$;

-- The time of an RFC 3339 timestamp, or of a date, which is its midnight in UTC; null for any other text.
create or replace function internal.rql_timestamp(value text)
returns timestamptz
language plpgsql immutable parallel safe
as $$
declare
  c_shape constant text :=
    '^([0-9]{4})-([0-9]{2})-([0-9]{2})'
    '(?:[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2})))?$';
  v_part constant text[] := regexp_match(value, c_shape);
  v_year constant int := v_part[1]::int;
  v_month constant int := v_part[2]::int;
  v_day constant int := v_part[3]::int;
  v_hour constant int := coalesce(v_part[4], '0')::int;
  v_minute constant int := coalesce(v_part[5], '0')::int;
  v_second constant int := coalesce(v_part[6], '0')::int;
  v_offset_hour constant int := coalesce(v_part[9], '0')::int;
  v_offset_minute constant int := coalesce(v_part[10], '0')::int;
begin
  if v_part is null or v_year = 0 or v_month not between 1 and 12 or v_day = 0 or v_hour > 23 or v_minute > 59
    or v_second > 60 or v_offset_hour > 23 or v_offset_minute > 59 then
    return null;
  elsif v_day > extract(day from make_date(v_year, v_month, 1) + interval '1 month -1 day') then
    return null;
  end if;
  return (make_timestamp(v_year, v_month, v_day, v_hour, v_minute, 0)
    + make_interval(secs => v_second + coalesce(v_part[7], '0')::double precision)
    - make_interval(hours => v_offset_hour, mins => v_offset_minute) * coalesce(v_part[8] || '1', '1')::int)
    at time zone 'utc';
end
$$;

-- The key of an id of one kind; null for text of the wrong shape.
create or replace function internal.rql_key(which text, id text)
returns bigint
language sql immutable parallel safe
as $$
  select case which
    when 'account_user' then internal.account_user_key(id)
    when 'person' then internal.person_key(id)
    when 'account' then internal.account_key(id)
    when 'user_group' then internal.user_group_key(id)
    when 'buyer' then internal.buyer_key(id)
    when 'module' then internal.module_key(id)
  end
$$;

-- SQL: whether the membership's open invitation has not expired; null if it has no open invitation.
create or replace function internal.rql_is_open()
returns text
language sql immutable parallel safe
as $$
  select '(select i.expires_at > statement_timestamp() from accounts.invitation as i '
    'where i.account_user_key = u.key and i.status = ''Open'')'
$$;

-- SQL: invitation.status. No index has it, so internal.rql_has_status compares it by the columns of u.
create or replace function internal.rql_status()
returns text
language sql immutable parallel safe
as $$
  select format(
    'case when u.status = ''Active'' then ''Active'' when %s then ''Invited'' else ''InvitationExpired'' end',
    internal.rql_is_open())
$$;

-- SQL: whether invitation.status is the given one. as_join: the planner may join the invitations. Only for a condition
-- that stands alone or in an "and"; elsewhere the planner would hash all open invitations.
create or replace function internal.rql_has_status(status text, as_join boolean)
returns text
language sql immutable parallel safe
as $$
  select case
    when status = 'Active' then 'u.status = ''Active'''
    when as_join then format('u.status = ''Invited'' and %s exists (select from accounts.invitation as i '
      'where i.account_user_key = u.key and i.status = ''Open'' and i.expires_at > statement_timestamp())',
      case status when 'InvitationExpired' then 'not' end)
    when status = 'Invited' then format('u.status = ''Invited'' and %s', internal.rql_is_open())
    else format('u.status = ''Invited'' and not coalesce(%s, false)', internal.rql_is_open())
  end
$$;

-- SQL: the sort key of a field. Ids sort by their keys, which is by age; text without case; timestamps by time; other
-- types as text.
create or replace function internal.rql_sortable(type text, expression text)
returns text
language sql immutable parallel safe
as $$
  select case
    when expression = 'status' then format('((%s) collate "C")', internal.rql_status())
    when type = 'name' then 'u.sort_name'
    when type = 'text' then format('(upper((%s) collate "und-x-icu") collate "C")', expression)
    when type like 'enum:%' then format('(%s collate "C")', expression)
    else expression
  end
$$;

-- SQL: the comparison of a field with one value, which is appended to the parameters ($1). operator: eq, gt, ge, lt,
-- le, like or ilike.
create or replace function internal.compile_comparison(
  operator text, type text, expression text, argument jsonb,
  inout parameters text[], out condition text, out problem text)
language plpgsql stable
as $$
declare
  c_signs constant jsonb := jsonb
    '{"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "like": "like", "ilike": "like"}';
  v_sign constant text := c_signs ->> operator;
  v_call constant text := argument ->> 'call';
  v_is_like constant boolean := operator in ('like', 'ilike');
  -- In NFC, as texts are stored.
  v_text constant text := normalize(case when v_is_like
    then internal.rql_pattern(argument ->> 'value') else internal.rql_text(argument ->> 'value') end, nfc);
  v_which constant text := case when type like 'id:%' then substr(type, 4) end;
  v_operand constant text := format('(($1)[%s])', coalesce(cardinality(parameters), 0) + 1);
  v_folded constant text := internal.rql_sortable('text', v_operand);
  v_next constant text := format('(($1)[%s])', coalesce(cardinality(parameters), 0) + 2);
  v_at timestamptz;
  v_floor timestamptz;
  v_ceiling timestamptz;
  v_after timestamptz;
begin
  if v_call in ('null', 'empty') and argument -> 'of' = '[]' then
    if operator <> 'eq' then
      problem := format('position %s: %s cannot compare with %s()', argument ->> 'at', operator, v_call);
    elsif v_call = 'null' then
      condition := format('(%s) is null', case expression when 'status' then internal.rql_status() else expression end);
    elsif type in ('text', 'name', 'email') then
      condition := format('%s = ''''', expression);
    else
      problem := format('position %s: empty() is for text and collections', argument ->> 'at');
    end if;
    return;
  elsif v_text is null then
    problem := format('position %s: is not a value', argument ->> 'at');
    return;
  end if;

  case
    when v_which is not null then
      if v_is_like then
        condition := format('internal.%s_id(%s) %s', v_which, expression,
          case operator when 'like' then 'like ' || v_operand else 'ilike ' || v_operand end);
      elsif internal.rql_key(v_which, v_text) is null then
        problem := format('position %s: %s is not the id of %s', argument ->> 'at', v_text,
          case v_which when 'person' then 'a user' when 'account' then 'an account'
            when 'account_user' then 'an account user' else 'a ' || replace(v_which, '_', ' ') end);
      else
        condition := format('%s %s internal.%s_key(%s)', expression, v_sign, v_which, v_operand);
      end if;
      parameters := parameters || v_text;

    when type = 'timestamp' then
      -- Responses have milliseconds, so a timestamp is compared with the range of microseconds that it stands for.
      v_at := internal.rql_timestamp(v_text);
      if v_is_like then
        problem := format('position %s: %s is for text, and this is a timestamp', argument ->> 'at', operator);
      elsif v_at is null then
        problem := format('position %s: %s is not a date or RFC 3339 timestamp', argument ->> 'at', v_text);
      else
        v_floor := date_trunc('milliseconds', v_at at time zone 'utc') at time zone 'utc';
        v_after := v_floor + interval '1 millisecond';
        v_ceiling := case when v_floor = v_at then v_floor else v_after end;
        condition := case operator
          when 'eq' then format('(%s >= %s::timestamptz and %s < %s::timestamptz)',
            expression, v_operand, expression, v_next)
          when 'gt' then format('%s >= %s::timestamptz', expression, v_operand)
          when 'le' then format('%s < %s::timestamptz', expression, v_operand)
          else format('%s %s %s::timestamptz', expression, v_sign, v_operand)
        end;
        parameters := parameters || to_char(
          case when operator in ('gt', 'le') then v_after else v_ceiling end at time zone 'utc',
          'YYYY-MM-DD HH24:MI:SS.US"+00"');
        if operator = 'eq' then
          parameters := parameters || to_char(v_after at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US"+00"');
        end if;
      end if;

    when type = 'boolean' then
      if v_is_like then
        problem := format('position %s: %s is for text, and this is true or false', argument ->> 'at', operator);
      elsif v_text not in ('true', 'false') then
        problem := format('position %s: %s is not true or false', argument ->> 'at', v_text);
      else
        condition := format('%s %s %s::boolean', expression, v_sign, v_operand);
      end if;
      parameters := parameters || v_text;

    when type = 'email' then
      condition := format('%s %s internal.email_key(%s)', expression, v_sign, v_operand);
      parameters := parameters || v_text;

    when v_is_like then
      condition := case
        when operator = 'ilike' then format('%s like %s', internal.rql_sortable(
          case type when 'name' then 'name' else 'text' end,
          case expression when 'status' then internal.rql_status() else expression end), v_folded)
        when expression = 'status' then format('(%s) like %s', internal.rql_status(), v_operand)
        when type = 'name' then format('(%s like %s and %s like %s)',
          expression, v_operand, internal.rql_sortable(type, expression), v_folded)
        else format('%s like %s', expression, v_operand)
      end;
      parameters := parameters || v_text;

    when type like 'enum:%' and v_text <> all (string_to_array(substr(type, 6), ',')) then
      problem := format('position %s: %s is not one of %s', argument ->> 'at', v_text,
        replace(substr(type, 6), ',', ', '));

    when operator = 'eq' then
      condition := case
        -- Written in three forms, so that an index can be used.
        when expression = 'status' then internal.rql_has_status(v_text, false)
        when type = 'name' then format('(%s = %s and %s = %s)',
          expression, v_operand, internal.rql_sortable(type, expression), v_folded)
        else format('%s = %s', expression, v_operand)
      end;
      parameters := parameters || v_text;

    else
      condition := format('%s %s %s', internal.rql_sortable(type, expression), v_sign,
        case when type like 'enum:%' then v_operand else v_folded end);
      parameters := parameters || v_text;
  end case;
end
$$;

-- SQL: whether a field is one of many values, as one comparison with an array, which is appended to the parameters.
-- Hundreds of single comparisons would be slow to plan. Null, and the parameters unchanged, for fields and values that
-- must be compared one by one.
create or replace function internal.compile_in(
  type text, expression text, list jsonb, inout parameters text[], out condition text)
language plpgsql stable
as $$
declare
  v_which constant text := case when type like 'id:%' then substr(type, 4) end;
  -- Timestamps in one form; null for text that is none.
  v_values constant text[] := array(
    select case type
      when 'timestamp' then to_char(internal.rql_timestamp(v.value) at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')
      else v.value end
    from jsonb_array_elements(list) as i (item), internal.rql_text(i.item ->> 'value') as v (value));
  v_first constant int := coalesce(cardinality(parameters), 0) + 1;
  v_slice constant text := format('($1)[%s:%s]', v_first, v_first + cardinality(v_values) - 1);
begin
  if array_position(v_values, null) is not null
    or expression = 'status'
    or exists (select from unnest(v_values) as v (value) where v_which is not null
      and internal.rql_key(v_which, v.value) is null) then
    return;
  end if;
  condition := case
    when v_which is not null then format(
      '%s = any (array(select internal.%s_key(v.value) from unnest(%s) as v (value)))', expression, v_which, v_slice)
    when type = 'email' then format('%s = any (array(select internal.email_key(v.value) from unnest(%s) as v (value)))',
      expression, v_slice)
    when type = 'name' then format('(%s = any (%s) and %s = any (array(select %s from unnest(%s) as v (value))))',
      expression, v_slice, internal.rql_sortable(type, expression), internal.rql_sortable('text', 'v.value'), v_slice)
    when type = 'text' then format('%s = any (%s)', expression, v_slice)
    when type = 'timestamp' then format(
      'date_trunc(''milliseconds'', %s at time zone ''utc'') = any ((%s)::timestamp[])', expression, v_slice)
  end;
  if condition is not null then
    parameters := parameters || v_values;
  end if;
end
$$;

-- SQL: a parsed expression, whose values are appended to the parameters ($1); and its mistakes. fields:
-- internal.list_fields_by_path. collection: the collection of the enclosing any() or all(), whose fields the expression
-- may name; null outside of them.
--
-- A comparison with null is false, and its negation is true. So "not" compiles to "is not true". ne negates eq, and out
-- negates in, also for null and for collections: ne(groups.id,x) means that no group is x. Any other comparison of a
-- field of a collection, outside of any() and all(), is true if it is true for one of the rows.
create or replace function internal.compile_filter(
  node jsonb, fields jsonb, collection text,
  inout parameters text[], inout problems text[], out condition text)
language plpgsql stable
as $$
declare
  c_limits constant record := internal.rql_limits();
  c_operators constant text[] := array['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'like', 'ilike', 'in', 'out'];
  v_call constant text := node ->> 'call';
  v_of constant jsonb := node -> 'of';
  v_count constant int := jsonb_array_length(node -> 'of');
  v_name constant text := case when v_of -> 0 ->> 'quoted' = 'false' then internal.rql_text(v_of -> 0 ->> 'value') end;
  v_at constant text := node ->> 'at';
  v_problem_count constant int := cardinality(problems);
  v_parts text[] := array[]::text[];
  v_child jsonb;
  v_path text;
  v_type text;
  v_expression text;
  v_collection text;
  v_part record;
begin
  if v_problem_count >= c_limits.mistakes then
    condition := 'false';
    return;
  elsif v_call is null then
    problems := problems || format('position %s: an expression such as eq(field,value) is expected', v_at);

  elsif v_call in ('and', 'or', 'not') then
    if v_count = 0 or v_call = 'not' and v_count > 1 then
      problems := problems || format('position %s: %s takes %s', v_at, v_call,
        case v_call when 'not' then 'one expression' else 'one expression or more' end);
    end if;
    for v_child in select i.value from jsonb_array_elements(v_of) as i (value) loop
      select c.parameters, c.problems, c.condition into v_part
      from internal.compile_filter(v_child, fields, collection, parameters, problems) as c;
      parameters := v_part.parameters;
      problems := v_part.problems;
      v_parts := v_parts || v_part.condition;
    end loop;
    condition := case when v_call = 'not'
      then format('((%s) is not true)', v_parts[1])
      else '(' || array_to_string(v_parts, ' ' || v_call || ' ') || ')'
    end;

  elsif v_call in ('any', 'all') then
    if v_count <> 2 or v_name is null then
      problems := problems || format('position %s: %s takes a collection and an expression', v_at, v_call);
    elsif collection is not null
      or fields -> v_name ->> 'type' is distinct from 'collection' then
      problems := problems || format('position %s: %s is not a collection', v_of -> 0 ->> 'at', v_name);
    else
      select c.parameters, c.problems, c.condition into v_part
      from internal.compile_filter(v_of -> 1, fields, v_name, parameters, problems) as c;
      parameters := v_part.parameters;
      problems := v_part.problems;
      condition := case v_call
        when 'any' then format('exists (select %s and %s)', internal.list_collection(v_name), v_part.condition)
        else format('not exists (select %s and (%s) is not true)', internal.list_collection(v_name), v_part.condition)
      end;
    end if;

  elsif v_call <> all (c_operators) then
    problems := problems || format('position %s: %s is not an operator', v_at, v_call);

  elsif v_count <> 2 or v_name is null then
    problems := problems || format('position %s: %s takes a field and %s', v_at, v_call,
      case when v_call in ('in', 'out') then 'a list of values in parentheses' else 'a value' end);

  else
    v_path := concat_ws('.', collection, v_name);
    v_type := fields -> v_path ->> 'type';
    v_expression := fields -> v_path ->> 'expression';
    v_collection := case when collection is null then substring(v_name from '^(groups|buyers|modules)\.') end;

    if not fields ? v_path then
      problems := problems || format('position %s: %s is not a field%s', v_of -> 0 ->> 'at', v_name,
        ' of ' || collection);
    elsif v_type is null then
      problems := problems || format('position %s: %s cannot be compared', v_of -> 0 ->> 'at', v_name);
    elsif v_type = 'collection' then
      if v_call in ('eq', 'ne') and v_of -> 1 ->> 'call' = 'empty' and v_of -> 1 -> 'of' = '[]' then
        condition := format('%s exists (select %s)', case v_call when 'eq' then 'not' end,
          internal.list_collection(v_name));
      else
        problems := problems || format('position %s: %s is a collection: ask any(), all() or for empty()',
          v_of -> 0 ->> 'at', v_name);
      end if;
    elsif v_call in ('in', 'out') and coalesce(jsonb_array_length(v_of -> 1 -> 'list'), 0) = 0 then
      problems := problems || format('position %s: %s takes a list of values in parentheses',
        v_of -> 1 ->> 'at', v_call);
    else
      if v_call in ('in', 'out') and jsonb_array_length(v_of -> 1 -> 'list') > 2 then
        select m.parameters, m.condition into v_part
        from internal.compile_in(v_type, v_expression, v_of -> 1 -> 'list', parameters) as m;
        parameters := v_part.parameters;
        v_parts := array_remove(array[v_part.condition], null);
      end if;
      for v_child in
        select i.value
        from jsonb_array_elements(
          case when v_call in ('in', 'out') then v_of -> 1 -> 'list' else jsonb_build_array(v_of -> 1) end) as i (value)
        where v_parts = '{}'
      loop
        exit when cardinality(problems) >= c_limits.mistakes;
        select c.parameters, c.condition, c.problem into v_part
        from internal.compile_comparison(
          case when v_call in ('in', 'out', 'ne') then 'eq' else v_call end,
          v_type, v_expression, v_child, parameters) as c;
        parameters := v_part.parameters;
        v_parts := v_parts || v_part.condition;
        if v_part.problem is not null then
          problems := problems || regexp_replace(v_part.problem, ': ', format(': %s: ', v_name));
        end if;
      end loop;
      condition := '(' || array_to_string(v_parts, ' or ') || ')';
      if v_collection is not null then
        condition := format('%s exists (select %s and %s)', case when v_call in ('ne', 'out') then 'not' end,
          internal.list_collection(v_collection), condition);
      elsif v_call in ('ne', 'out') then
        condition := format('(%s is not true)', condition);
      end if;
    end if;
  end if;

  if cardinality(problems) > v_problem_count then
    condition := 'false';
  end if;
end
$$;
