-- The key of a membership, if it exists and the caller may see it. An SQL function that returns a set, so that it is
-- inlined into the statement that calls it.
create or replace function internal.find_account_user(caller internal.caller, account_user_id text)
returns setof bigint
language sql stable rows 1
as $$
  select u.key
  from accounts.account_user as u
  where u.key = internal.account_user_key(account_user_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;
