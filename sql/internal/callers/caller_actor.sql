-- A caller without a token acts as its database role. That is for DBAs alone: the server's role has to bring a token,
-- whatever bug it may have. Null when the role may not. In plpgsql, so that a statement that may need it does not have
-- all of it in its plan.
create or replace function internal.caller_actor()
returns jsonb
language plpgsql stable
as $$
begin
  return case when pg_has_role(internal.caller_role(), 'accountsd_dba', 'member')
    then jsonb_build_object('name', internal.caller_role())
  end;
end
$$;
