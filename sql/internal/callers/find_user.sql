-- The same by the account and the person.
create or replace function internal.find_user(caller internal.caller, account_id text, user_id text)
returns setof bigint
language sql stable rows 1
as $$
  select u.key
  from (select internal.person_key(user_id) as person_key offset 0) as k
  cross join lateral (
    select i.key, i.account_key, i.status from accounts.account_user as i where i.person_key = k.person_key offset 0
  ) as u
  where u.account_key = internal.account_key(account_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;
