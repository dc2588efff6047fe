-- The verdicts that an operation can come to.

create or replace function internal.done(status int, body json default null, id text default null)
returns internal.verdict
language sql immutable parallel safe
as $$ select (status, id, body, null, null, null)::internal.verdict $$;

create or replace function internal.refused(status int, detail text, type text default null, errors jsonb default null)
returns internal.verdict
language sql immutable parallel safe
as $$ select (status, null, null, detail, errors, type)::internal.verdict $$;

create or replace function internal.invalid(errors jsonb)
returns internal.verdict
language sql immutable parallel safe
as $$ select (400, null, null, 'The request is not valid.', errors, null)::internal.verdict $$;

-- What is not there, and what the caller may not see.
create or replace function internal.missing()
returns internal.verdict
language sql immutable parallel safe
as $$ select (404, null, null, 'There is nothing at this path.', null, null)::internal.verdict $$;

-- A query where an operation takes none.
create or replace function internal.unknown_parameter()
returns internal.verdict
language sql immutable parallel safe
as $$ select internal.invalid('{"?": ["is not a known query parameter"]}') $$;
