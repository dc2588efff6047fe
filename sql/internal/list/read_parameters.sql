-- Limits of a query: characters, levels of nesting, expressions, values in all lists, fields in select and in order,
-- rows of a page and their default, mistakes reported for a parameter.
create or replace function internal.rql_limits(
  out length int, out depth int, out terms int, out listed int, out selected int, out orders int, out page int,
  out default_page int, out mistakes int)
language sql immutable parallel safe
as $$ select 8000, 16, 50, 200, 100, 10, 1000, 100, 20 $$;

-- Percent-decodes a text (RFC 3986; + is a plus sign). If it is malformed, decoded is null and problem says why.
create or replace function internal.percent_decoded(value text, out decoded text, out problem text)
language plpgsql immutable
as $$
declare
  v_bad int;
begin
  if position('%' in value) = 0 then
    decoded := value;
    return;
  end if;
  v_bad := regexp_instr(value, '%(?![0-9A-Fa-f]{2})|%00');
  if v_bad > 0 then
    problem := format('%s is not a percent-encoded character', substr(value, v_bad, 3));
    return;
  end if;
  begin
    decoded := convert_from((
      select string_agg(
        case p.position when 1 then convert_to(p.part, 'UTF8')
          else decode(left(p.part, 2), 'hex') || convert_to(substr(p.part, 3), 'UTF8') end,
        '' order by p.position)
      from string_to_table(value, '%') with ordinality as p (part, position)), 'UTF8');
  exception
    when character_not_in_repertoire then
      problem := 'percent-encoded bytes are not UTF-8';
  end;
end
$$;

-- Splits a text into the matches of a pattern that covers all of it. It inserts a separator that the text does not
-- contain, because a row for each match (regexp_matches) is several times as slow.
create or replace function internal.rql_pieces(value text, pattern text)
returns text[]
language plpgsql immutable parallel safe
as $$
declare
  v_border text := chr(57344);
begin
  while position(v_border in value) > 0 loop
    v_border := chr(ascii(v_border) + 1);
  end loop;
  return string_to_array(rtrim(regexp_replace(value, pattern, '\&' || v_border, 'g'), v_border), v_border);
end
$$;

-- The error of a select or an order with too many fields; null if there are not too many.
create or replace function internal.rql_fields_excess(value text, at int, most int)
returns text[]
language sql immutable parallel safe
as $$
  select array[format('position %s: has more than %s fields',
    at + char_length(array_to_string(f.fields[:most], ',')) + 1, most)]
  from (select string_to_array(value, ',') as fields) as f
  where cardinality(f.fields) > most
$$;

-- The parameters of a query string, in order. name: select, order, limit, offset, or $filter for any other. position:
-- where value begins, in characters of the decoded query, from 1. problem: the mistake in it, or null.
--
-- An ampersand ends a parameter unless it is percent-encoded or in a quoted value. If there are too many parameters,
-- only that problem is returned.
create or replace function internal.read_parameters(query text)
returns table (name text, value text, "position" int, problem text)
language plpgsql immutable
as $$
#variable_conflict use_column
declare
  -- With the ampersands before it.
  c_parameter constant text := '&*(?:[(,=][ \t\r\n\f\v]*"(?:[^"\\]|\\.)*"'
    '|[(,=][ \t\r\n\f\v]*''(?:[^''\\]|\\.)*''|[^&])+|&+';
  c_limits constant record := internal.rql_limits();
  v_at int := 1;
  v_part text;
  v_parameter text;
  v_decoded record;
  v_match text[];
  v_name text;
  v_value text;
  v_excess text;
  v_filters int := 0;
  v_names text[] := array[]::text[];
  v_values text[] := array[]::text[];
  v_positions int[] := array[]::int[];
  v_problems text[] := array[]::text[];
begin
  if char_length(query) > c_limits.length then
    return query values ('$filter', null::text, null::int,
      format('position %s: the query is longer than %s characters', c_limits.length + 1, c_limits.length));
    return;
  end if;
  foreach v_part in array internal.rql_pieces(query, c_parameter) loop
    v_parameter := ltrim(v_part, '&');
    v_at := v_at + char_length(v_part) - char_length(v_parameter);
    continue when v_parameter = '';
    select d.decoded, d.problem into v_decoded from internal.percent_decoded(v_parameter) as d;
    v_match := regexp_match(v_decoded.decoded,
      '^[ \t\r\n\f\v]*(select|order|limit|offset)[ \t\r\n\f\v]*=(.*)$');
    v_name := coalesce(v_match[1], '$filter');
    v_value := coalesce(v_match[2], v_decoded.decoded);
    v_at := v_at + char_length(coalesce(v_decoded.decoded, v_parameter)) - char_length(coalesce(v_value, v_parameter));
    v_filters := v_filters + case v_name when '$filter' then 1 else 0 end;
    v_excess := case
      when v_filters > c_limits.terms then format('position %s: has more than %s expressions', v_at, c_limits.terms)
      when v_match[1] = any (v_names) then format('position %s: is given more than once', v_at)
    end;
    if v_excess is not null then
      return query values (v_name, null::text, v_at, v_excess);
      return;
    elsif v_match is not null or btrim(v_value) <> '' or v_decoded.problem is not null then
      v_names := v_names || v_name;
      v_values := v_values || case when v_match is null then v_value else btrim(v_value) end;
      v_positions := v_positions || v_at;
      v_problems := array_append(v_problems, format('position %s: ', v_at) || v_decoded.problem);
    end if;
    v_at := v_at + char_length(coalesce(v_value, v_parameter));
  end loop;
  return query select * from unnest(v_names, v_values, v_positions, v_problems);
end
$$;
