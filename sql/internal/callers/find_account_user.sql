create or replace function internal.find_account_user(caller internal.caller, account_user_id text)
returns bigint
language sql stable
as $$
  select u.key
  from accounts.account_user as u
  where u.key = internal.account_user_key(account_user_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;
