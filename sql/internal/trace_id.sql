-- The trace id of a traceparent (W3C Trace Context, level 1), null where it is malformed: the same
-- rule as trace_parse in server/trace.c.
create or replace function internal.trace_id(traceparent text)
returns text
language sql immutable parallel safe
as $$
  select case
    when traceparent ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
      or traceparent ~ '^(?!ff|00)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}-'
    then substr(traceparent, 4, 32)
  end
$$;
