create or replace function api.create_account_users(requests jsonb)
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean,
  is_rolled_back boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant int := (select s.set_limit from accounts.settings as s);
  v_requests internal.request[];
begin
  if jsonb_array_length(requests) > c_most then
    perform internal.raise_problem(400, 'The request is not valid.',
      jsonb_build_object('$', jsonb_build_array(format('has more than %s items', c_most))));
  end if;
  v_requests := internal.read_requests(requests);
  if internal.has_conditions(v_requests) then
    return query
    select i.* from internal.invite(v_requests) as i order by i.ordinal;
  else
    return query
    select c.*, null::text, false, false from internal.create_account_users(v_requests) as c order by c.ordinal;
  end if;
end
$$;

comment on function api.create_account_users(jsonb) is
'Invites a set of people in one transaction; each request has its own outcome.
requests: array of {"request": as in api.create_account_user, "token": "<token id>:<hex SHA-256 of its secret>",
"traceparent": W3C trace context, "idempotencyKey", "codeSeed", "rollback": as in api.serve}; without a token the
database role acts.
Returns a row for each request in order: the HTTP status, and either id and body or detail and errors. A refused request
changes nothing and raises nothing; an error of PostgreSQL itself rolls back the whole set. More requests than
"limit.set" of api.configure (1000 by default) raise PT400.';

grant execute on function api.create_account_users(jsonb) to accountsd_server, accountsd_dba;
