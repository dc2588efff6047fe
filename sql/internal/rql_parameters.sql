-- What a query may be at most: characters, levels of nesting, expressions, values in all its lists, and in an order
-- fields; how many rows a page may have, and has unless told.
create or replace function internal.rql_limits(
  out length int, out depth int, out terms int, out listed int, out page int, out default_page int, out orders int)
language sql immutable parallel safe
as $$ select 8000, 16, 100, 500, 1000, 100, 10 $$;

-- Percent-decoded (RFC 3986; + is a plus sign). Where it cannot be, decoded is null and problem says why.
create or replace function internal.percent_decoded(value text, out decoded text, out problem text)
language plpgsql immutable
as $$
declare
  v_bad constant int := regexp_instr(value, '%(?![0-9A-Fa-f]{2})|%00');
begin
  if v_bad > 0 then
    problem := format('%s is not a percent-encoded character', substr(value, v_bad, 3));
  elsif position('%' in value) = 0 then
    decoded := value;
  else
    decoded := convert_from((
      select string_agg(
        case when m.part[1] like '\%%' then decode(substr(m.part[1], 2), 'hex') else convert_to(m.part[1], 'UTF8') end,
        '' order by m.position)
      from regexp_matches(value, '%[0-9A-Fa-f]{2}|[^%]+', 'g') with ordinality as m (part, position)), 'UTF8');
  end if;
exception
  when character_not_in_repertoire then
    problem := 'percent-encoded bytes are not UTF-8';
end
$$;

-- A query string as its parameters, in order. name: select, order, limit, offset, or $filter for what is none of
-- these. position: where value begins, in characters of the decoded query, from 1. problem: what is wrong with it.
--
-- An ampersand ends a parameter unless it is percent-encoded or in a quoted value.
create or replace function internal.rql_parameters(query text)
returns table (name text, value text, "position" int, problem text)
language plpgsql immutable
as $$
#variable_conflict use_column
declare
  c_split constant text := '(?:[(,=]\s*"(?:[^"\\]|\\.)*"|[(,=]\s*''(?:[^''\\]|\\.)*''|[^&])+|&';
  v_limit constant int := (select l.length from internal.rql_limits() as l);
  v_part text;
  v_decoded record;
  v_match text[];
  v_at int := 1;
begin
  if char_length(query) > v_limit then
    return query values ('$filter', null::text, null::int,
      format('position %s: the query is longer than %s characters', v_limit + 1, v_limit));
    return;
  end if;
  for v_part in select m.part[1] from regexp_matches(query, c_split, 'g') as m (part) loop
    if v_part = '&' then
      v_at := v_at + 1;
      continue;
    end if;
    select d.decoded, d.problem into v_decoded from internal.percent_decoded(v_part) as d;
    if v_decoded.problem is not null then
      return query values ('$filter', null::text, v_at, format('position %s: %s', v_at, v_decoded.problem));
      v_at := v_at + char_length(v_part);
      continue;
    end if;
    v_match := regexp_match(v_decoded.decoded, '^\s*(select|order|limit|offset)\s*=(.*)$');
    if v_match is not null then
      return query values (v_match[1], btrim(v_match[2]),
        v_at + char_length(v_decoded.decoded) - char_length(v_match[2]), null::text);
    elsif btrim(v_decoded.decoded) <> '' then
      return query values ('$filter', v_decoded.decoded, v_at, null::text);
    end if;
    v_at := v_at + char_length(v_decoded.decoded);
  end loop;
end
$$;
