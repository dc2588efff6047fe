-- The database role as an actor, for calls without a token; null if the role is not a member of accountsd_dba. The
-- server's role is not, so a bug in the server cannot act without a token.
--
-- A plpgsql function, so that it is not inlined into the plan of every statement that might need it.
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
