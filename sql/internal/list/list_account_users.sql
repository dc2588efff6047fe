-- The memberships that the caller may see.
create or replace function internal.list_account_users(caller internal.caller, query text)
returns internal.verdict
language plpgsql
as $$
begin
  return internal.list_memberships(
    'account_user', case when not caller.sees_all_accounts then caller.account_key end, query);
end
$$;
