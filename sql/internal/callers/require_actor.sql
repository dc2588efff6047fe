-- The actor of a call that takes no token: the database role. Raises PT401 if the role may not act, before the call
-- reads its arguments or writes anything.
create or replace function internal.require_actor()
returns jsonb
language plpgsql stable
as $$
declare
  c_actor constant jsonb := internal.caller_actor();
begin
  if c_actor is null then
    perform internal.raise_problem(401, 'The database role is not a member of accountsd_dba.');
  end if;
  return c_actor;
end
$$;
