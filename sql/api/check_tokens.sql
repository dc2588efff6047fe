create or replace function api.check_tokens(tokens jsonb)
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  return query
  select t.position::int, case when c.status = 401 then 401 else 200 end, null::text, null::json,
    case when c.status = 401 then c.detail end, null::jsonb, null::text, false, false
  from jsonb_array_elements_text(tokens) with ordinality as t (token, position)
  cross join lateral internal.find_caller(t.token) as c;
end
$$;

comment on function api.check_tokens(jsonb) is
'Checks tokens. Called by accountsd for tokens that it has not checked lately, before it processes their requests.
tokens: array of texts "<token id>:<hex SHA-256 of its secret>". Returns a row for each, in order: 200 for a token that
exists and is not disabled, else 401.';

grant execute on function api.check_tokens(jsonb) to accountsd_server, accountsd_dba;
