-- The database role that called an api function. current_user cannot tell: inside the function it is the owner.
create or replace function internal.caller_role()
returns text
language sql stable
as $$
  select case when current_setting('role') = 'none' then session_user::text else current_setting('role') end
$$;
