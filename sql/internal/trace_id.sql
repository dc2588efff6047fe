-- The trace id of a traceparent (W3C Trace Context, level 1), null where it is malformed: the same
-- rule as trace_parse in server/trace.c. A later version may append more, after another hyphen; version 00 may not.
-- (One pattern with its counts and look-aheads would be five times as slow.)
create or replace function internal.trace_id(traceparent text)
returns text
language sql immutable parallel safe
as $$
  select case
    when substr(traceparent, 3, 1) = '-' and substr(traceparent, 36, 1) = '-' and substr(traceparent, 53, 1) = '-'
      and octet_length(substr(traceparent, 1, 55)) = 55
      and substr(traceparent, 1, 2) || substr(traceparent, 4, 32) || substr(traceparent, 37, 16)
        || substr(traceparent, 54, 2) ~ '^[0-9a-f]+$'
      and substr(traceparent, 1, 2) <> 'ff'
      and (octet_length(traceparent) = 55
        or substr(traceparent, 56, 1) = '-' and substr(traceparent, 1, 2) <> '00')
      and substr(traceparent, 4, 32) <> '00000000000000000000000000000000'
      and substr(traceparent, 37, 16) <> '0000000000000000'
    then substr(traceparent, 4, 32)
  end
$$;
