-- The trace id of a traceparent of a version other than 00. A later version may append fields after another hyphen;
-- version ff is invalid.
create or replace function internal.trace_id_of_later_version(traceparent text)
returns text
language plpgsql immutable strict parallel safe
as $$
begin
  return (regexp_match(traceparent,
    '^(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$'))[1];
end
$$;

-- The trace id of a traceparent (W3C Trace Context, level 1); null if it is malformed. The same rule as trace_parse
-- in server/base/trace.c. For version 00 an expression of few functions, which the planner inlines.
create or replace function internal.trace_id(traceparent text)
returns text
language sql immutable parallel safe
as $$
  select case
    when octet_length(traceparent) = 55 and traceparent ~ '^00-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$'
      and substr(traceparent, 36, 1) = '-' and substr(traceparent, 53, 1) = '-' and traceparent !~ '-0+-'
      then substr(traceparent, 4, 32)
    else internal.trace_id_of_later_version(traceparent)
  end
$$;
