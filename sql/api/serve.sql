create or replace function api.serve(requests jsonb)
returns table (ordinal int, status int, id text, body json, detail text, errors jsonb, type text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  return query
  select r.position::int, v.status, v.id, v.body, v.detail, v.errors, v.type
  from jsonb_array_elements(requests) with ordinality as r (element, position)
  cross join lateral internal.perform(r.element) as v;
end
$$;

comment on function api.serve(jsonb) is
'What accountsd calls for every operation but create: a set of requests, each an operation with its path, query, body
and token, each with a verdict of its own. The functions named after the operations do the same and raise where this
returns a status. An error raised by Postgres itself undoes the whole set.';

grant execute on function api.serve(jsonb) to accountsd_server, accountsd_dba;
