-- RFC 3339, UTC, milliseconds.
create or replace function internal.timestamp_text(at timestamptz)
returns text
language sql stable parallel safe
as $$ select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
