-- The tokens of an expression: an array of {"kind", "text", "at"}, ending in one of kind end. kind: word (a bare
-- value, a field, an operator), text (what was in quotes), one of ( ) , = or bad (what begins no token).
-- text is as written between the quotes, escapes included: what an escape means depends on the operator.
create or replace function internal.rql_tokens(expression text, start int)
returns jsonb
language plpgsql immutable parallel safe
as $$
declare
  c_token constant text := '\s*(?:"(?:[^"\\]|\\.)*"|''(?:[^''\\]|\\.)*''|[(),=]'
    '|(?:[^(),=\\"''\s]|\\.)(?:[^(),=\\]|\\.)*|.)';
begin
  return (
    select coalesce(jsonb_agg(
      jsonb_build_object(
        'kind', case
          when t.token in ('(', ')', ',', '=') then t.token
          when t.token in ('"', '''', '\') then 'bad'
          when t.token ~ '^["'']' then 'text'
          else 'word'
        end,
        'text', case when t.token ~ '^["''].'
          then substr(t.token, 2, char_length(t.token) - 2) else t.token end,
        'at', t.at)
      order by t.position), '[]')
      || jsonb_build_object('kind', 'end', 'text', '', 'at', start + char_length(expression))
    from (
      select
        m.position,
        regexp_replace(ltrim(m.part[1], E' \t\r\n\f\v'), '(?<!\\)\s+$', '') as token,
        start + (sum(char_length(m.part[1])) over (order by m.position))::int
          - char_length(ltrim(m.part[1], E' \t\r\n\f\v')) as at
      from regexp_matches(expression, c_token, 'g') with ordinality as m (part, position)
    ) as t
    where t.token <> '');
end
$$;

-- Parses one expression from the token at first on.
--
--   expression = call | comparison
--   call       = word "(" [ argument *( "," argument ) ] ")"
--   comparison = word "=" [ word "=" ] value        ; field=value is eq(field,value), field=op=value is op(field,value)
--   argument   = expression | value
--   value      = word | quoted | list | call        ; null() and empty() are calls
--   list       = "(" argument *( "," argument ) ")"
--
-- node: {"at", "call", "of": [node]}, {"at", "list": [node]} or {"at", "value", "quoted"}. next: the token after it.
-- problem: what is wrong, and then there is no node. Which calls and arguments make sense is not decided here.
create or replace function internal.rql_node(
  tokens jsonb, first int, depth int, out node jsonb, out next int, out problem text)
language plpgsql immutable parallel safe
as $$
declare
  c_limits constant record := internal.rql_limits();
  v_token constant jsonb := tokens -> first;
  v_kind constant text := v_token ->> 'kind';
  v_is_call constant boolean := v_kind = 'word' and tokens -> (first + 1) ->> 'kind' = '(';
  v_of jsonb := jsonb '[]';
  v_operator jsonb;
  v_part record;
begin
  if depth > c_limits.depth then
    problem := format('position %s: is nested deeper than %s levels', v_token ->> 'at', c_limits.depth);
  elsif v_kind = '(' or v_is_call then
    next := first + case when v_is_call then 2 else 1 end;
    if tokens -> next ->> 'kind' = ')' then
      next := next + 1;
    else
      loop
        select n.node, n.next, n.problem into v_part from internal.rql_node(tokens, next, depth + 1) as n;
        if v_part.problem is not null then
          problem := v_part.problem;
          return;
        elsif jsonb_array_length(v_of) = c_limits.listed then
          -- More than any list or call can have: the rest is not even looked at.
          problem := format('position %s: has more than %s values in lists', tokens -> next ->> 'at', c_limits.listed);
          return;
        end if;
        v_of := v_of || v_part.node;
        next := v_part.next + 1;
        exit when tokens -> v_part.next ->> 'kind' = ')';
        if tokens -> v_part.next ->> 'kind' <> ',' then
          problem := internal.rql_unexpected(tokens -> v_part.next, 'a comma or a closing parenthesis');
          return;
        end if;
      end loop;
    end if;
    node := case when v_is_call
      then jsonb_build_object('at', v_token -> 'at', 'call', v_token -> 'text', 'of', v_of)
      else jsonb_build_object('at', v_token -> 'at', 'list', v_of)
    end;
  elsif v_kind not in ('word', 'text') then
    problem := internal.rql_unexpected(v_token, 'a value');
  else
    node := jsonb_build_object('at', v_token -> 'at', 'value', v_token -> 'text', 'quoted', v_kind = 'text');
    next := first + 1;
    if v_kind = 'word' and tokens -> next ->> 'kind' = '=' then
      v_operator := case
        when tokens -> (first + 2) ->> 'kind' = 'word' and tokens -> (first + 3) ->> 'kind' = '='
          then tokens -> (first + 2)
      end;
      select n.node, n.next, n.problem into v_part
      from internal.rql_node(tokens, first + case when v_operator is null then 2 else 4 end, depth + 1) as n;
      problem := v_part.problem;
      next := v_part.next;
      node := case when problem is null then jsonb_build_object(
        'at', coalesce(v_operator, v_token) -> 'at', 'call', coalesce(v_operator ->> 'text', 'eq'),
        'of', jsonb_build_array(node, v_part.node)) end;
    end if;
  end if;
end
$$;

-- What to say of a token where another was expected.
create or replace function internal.rql_unexpected(token jsonb, expected text)
returns text
language sql immutable parallel safe
as $$
  select format('position %s: ', token ->> 'at') || case
    when token ->> 'kind' = 'end' then format('the query ends where %s is expected', expected)
    when token ->> 'kind' = 'bad' and token ->> 'text' = '\' then 'a backslash has nothing to escape'
    when token ->> 'kind' = 'bad' then 'the quote is not closed'
    else format('%s is not %s', token ->> 'text', expected)
  end
$$;

-- Parses an expression whole; its tree, or the problem.
create or replace function internal.rql_parsed(expression text, start int, out node jsonb, out problem text)
language plpgsql immutable parallel safe
as $$
declare
  v_tokens constant jsonb := internal.rql_tokens(expression, start);
  v_parsed record;
begin
  select n.node, n.next, n.problem into v_parsed from internal.rql_node(v_tokens, 0, 1) as n;
  node := v_parsed.node;
  problem := v_parsed.problem;
  if problem is null and v_tokens -> v_parsed.next ->> 'kind' <> 'end' then
    problem := internal.rql_unexpected(v_tokens -> v_parsed.next, 'an ampersand or the end of the query');
  end if;
end
$$;
