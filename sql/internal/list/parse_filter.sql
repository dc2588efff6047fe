-- The message for an unexpected token; an empty token is the end of the query.
create or replace function internal.rql_unexpected(token text, at int, expected text)
returns text
language sql immutable parallel safe
as $$
  select format('position %s: ', at) || case
    when token = '' then format('the query ends where %s is expected', expected)
    when token = '\' then 'a backslash has nothing to escape'
    when token in ('"', '''') then 'the quote is not closed'
    when token ~ '^["'']' then format('%s is not %s', substr(token, 2, char_length(token) - 2), expected)
    else format('%s is not %s', rtrim(token), expected)
  end
$$;

-- Parses an expression. start: its position in the query. Stops at the first mistake or exceeded limit, so that the
-- rest costs nothing. The counts (terms, listed, arguments) continue from one expression of a query to the next.
--
--   expression = call | comparison
--   call       = word "(" [ argument *( "," argument ) ] ")"
--   comparison = word "=" [ word "=" ] value        ; field=value is eq(field,value), field=op=value is op(field,value)
--   argument   = expression | value
--   value      = word | quoted | list | call        ; null() and empty() are calls
--   list       = "(" argument *( "," argument ) ")"
--
-- node: {"at", "call", "of": [node]}, {"at", "list": [node]} or {"at", "value", "quoted"}.
-- problem: what is wrong; node is null then. The meaning of calls and arguments is not checked here.
create or replace function internal.parse_filter(
  expression text, start int, inout terms int, inout listed int, inout arguments int, out node jsonb, out problem text)
language plpgsql immutable parallel safe
as $$
declare
  -- Preceded by white space: a quoted text, one of ( ) , = or a word (a bare value, a field or an operator);
  -- otherwise a single character. White space is listed, because \s depends on the locale of the database.
  c_token constant text := '[ \t\r\n\f\v]*(?:"(?:[^"\\]|\\.)*"|''(?:[^''\\]|\\.)*''|[(),=]'
    '|(?:[^(),=\\"'' \t\r\n\f\v]|\\.)(?:[^(),=\\]|\\.)*|.)';
  c_limits constant record := internal.rql_limits();
  c_space constant text := e' \t\r\n\f\v';
  c_value constant text := '{"at":%s,"value":%s,"quoted":%s}';
  c_length constant int := char_length(expression);
  -- The expression is tokenized one window at a time.
  v_window int := 128;
  v_window_end int := 0;
  v_tokens text[] := array[]::text[];
  v_next int := 1;
  v_read int := 0;
  v_token text;
  v_at int;
  -- The node as JSON, in pieces.
  v_pieces text[] := array[]::text[];
  -- The stack of open constructs: "call", "list" and, for a comparison without parentheses, "=".
  v_open text[] := array[]::text[];
  v_depth int := 0;
  -- The previous token: a word that may become a call, a field or an operator; or an open parenthesis.
  v_word text;
  v_word_at int;
  v_is_opened boolean := false;
  -- The field of a comparison, until it is known whether an operator follows.
  v_field text;
  v_wants_value boolean := true;
begin
  loop
    -- The last token of a window may be incomplete, and so may a quoted text without a closing quote. A window
    -- never ends within an escape.
    if v_read < c_length and (v_next > cardinality(v_tokens)
      or v_window_end < c_length
        and (v_next = cardinality(v_tokens) or ltrim(v_tokens[v_next], c_space) in ('"', ''''))) then
      v_window := v_window * case v_next when 1 then 2 else 1 end;
      v_window_end := v_read + v_window
        + char_length(substring(substr(expression, v_read + v_window) from '^\\*'));
      v_tokens := internal.rql_pieces(substr(expression, v_read + 1, v_window_end - v_read), c_token);
      v_next := 1;
      continue;
    end if;
    v_read := v_read + coalesce(char_length(v_tokens[v_next]), 0);
    v_token := ltrim(coalesce(v_tokens[v_next], ''), c_space);
    v_next := v_next + 1;
    v_at := start + v_read - char_length(v_token);
    continue when v_token = '' and v_read < c_length;

    if v_wants_value and not (v_is_opened and v_token = ')') then
      v_is_opened := false;
      if v_depth = c_limits.depth then
        problem := format('position %s: is nested deeper than %s levels', v_at, c_limits.depth);
        return;
      elsif v_token in ('', ')', ',', '=', '"', '''', '\') then
        problem := internal.rql_unexpected(v_token, v_at, 'a value');
        return;
      elsif v_open[v_depth] = 'list' then
        listed := listed + 1;
        if listed > c_limits.listed then
          problem := format('position %s: has more than %s values in lists', v_at, c_limits.listed);
          return;
        end if;
      end if;
      if v_token = '(' then
        v_pieces := v_pieces || format('{"at":%s,"list":[', v_at);
        v_depth := v_depth + 1;
        v_open[v_depth] := 'list';
        v_is_opened := true;
        v_field := null;
      elsif v_token ~ '^["'']' then
        v_pieces := v_pieces || format(c_value, v_at, to_json(substr(v_token, 2, char_length(v_token) - 2)), 'true');
        v_field := null;
        v_wants_value := false;
      else
        v_word := regexp_replace(v_token, '(?<!\\)[ \t\r\n\f\v]+$', '');
        v_word_at := v_at;
        v_wants_value := false;
      end if;
      continue;
    end if;

    if v_word is not null and v_token = '=' and v_field is not null then
      -- The word is the operator.
      v_pieces[cardinality(v_pieces)] := format('{"at":%s,"call":%s,"of":[%s,', v_word_at, to_json(v_word), v_field);
      v_field := null;
      v_word := null;
      v_wants_value := true;
      continue;
    elsif v_word is not null and v_token in ('=', '(') then
      terms := terms + 1;
      if terms > c_limits.terms then
        problem := format('position %s: has more than %s expressions', v_word_at, c_limits.terms);
        return;
      end if;
      v_depth := v_depth + 1;
      if v_token = '(' then
        v_open[v_depth] := 'call';
        v_pieces := v_pieces || format('{"at":%s,"call":%s,"of":[', v_word_at, to_json(v_word));
        v_field := null;
        v_is_opened := true;
      else
        v_open[v_depth] := '=';
        v_field := format(c_value, v_word_at, to_json(v_word), 'false');
        v_pieces := v_pieces || format('{"at":%s,"call":"eq","of":[%s,', v_word_at, v_field);
      end if;
      v_word := null;
      v_wants_value := true;
      continue;
    elsif v_word is not null then
      v_pieces := v_pieces || format(c_value, v_word_at, to_json(v_word), 'false');
      v_word := null;
      v_field := null;
    end if;

    -- A construct is complete.
    while v_open[v_depth] = '=' loop
      v_pieces := v_pieces || ']}'::text;
      v_depth := v_depth - 1;
    end loop;
    if v_depth = 0 and v_token = '' then
      node := array_to_string(v_pieces, '')::jsonb;
      return;
    elsif v_depth = 0 then
      problem := internal.rql_unexpected(v_token, v_at, 'an ampersand or the end of the query');
      return;
    elsif v_token = ')' then
      v_pieces := v_pieces || ']}'::text;
      v_depth := v_depth - 1;
      v_is_opened := false;
      v_wants_value := false;
    elsif v_token = ',' then
      v_pieces := v_pieces || ','::text;
      v_wants_value := true;
      if v_open[v_depth] = 'call' then
        arguments := arguments + 1;
        if arguments > 2 * c_limits.terms then
          problem := format('position %s: has more than %s arguments', v_at, 2 * c_limits.terms);
          return;
        end if;
      end if;
    else
      problem := internal.rql_unexpected(v_token, v_at, 'a comma or a closing parenthesis');
      return;
    end if;
  end loop;
end
$$;
