-- The verdict of a successful operation.
create or replace function internal.succeed(status int, body json default null, id text default null)
returns internal.verdict
language sql immutable parallel safe
as $$ select (status, id, body, null, null, null)::internal.verdict $$;
