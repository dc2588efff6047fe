-- The database role that called an api function: current_user is the functions' owner there.
create or replace function internal.caller_role()
returns text
language sql stable
as $$
  select case when current_setting('role') = 'none' then session_user::text else current_setting('role') end
$$;
