create or replace function internal.refuse(status int, detail text, type text default null, errors jsonb default null)
returns internal.verdict
language sql immutable parallel safe
as $$ select (status, null, null, detail, errors, type)::internal.verdict $$;

create or replace function internal.refuse_invalid(errors jsonb)
returns internal.verdict
language sql immutable parallel safe
as $$ select (400, null, null, 'The request is not valid.', errors, null)::internal.verdict $$;

-- The object does not exist, or the caller may not see it.
create or replace function internal.refuse_missing()
returns internal.verdict
language sql immutable parallel safe
as $$ select (404, null, null, 'There is nothing at this path.', null, null)::internal.verdict $$;

-- The operation takes no query.
create or replace function internal.refuse_parameter()
returns internal.verdict
language sql immutable parallel safe
as $$ select internal.refuse_invalid('{"?": ["is not a known query parameter"]}') $$;
