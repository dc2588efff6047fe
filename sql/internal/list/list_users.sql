-- The people of one account. An account that the caller may not see gets the same verdict as one that does not exist.
create or replace function internal.list_users(caller internal.caller, account_id text, query text)
returns internal.verdict
language plpgsql
as $$
declare
  v_key bigint;
begin
  select a.key into v_key
  from accounts.account as a
  where a.key = internal.account_key(account_id)
    and (caller.sees_all_accounts or a.key = caller.account_key);
  if v_key is null then
    return internal.refuse_missing();
  end if;
  return internal.list_memberships('user', v_key, query);
end
$$;
