-- The key of the membership that a path names, if it is there and the caller may see it; null in
-- every other case, so that nobody learns which ids exist.

-- Whoever asks.
create or replace function internal.path_account_user(element jsonb)
returns bigint
language sql stable
as $$
  select case element ->> 'kind'
    when 'account_user' then internal.account_user_key(element ->> 'accountUser')
    else (
      select u.key
      from accounts.account_user as u
      where u.account_key = internal.account_key(element ->> 'account')
        and u.person_key = internal.person_key(element ->> 'user'))
  end
$$;

create or replace function internal.visible_account_user(caller internal.caller, account_user_id text)
returns bigint
language sql stable
as $$
  select u.key
  from accounts.account_user as u
  where u.key = internal.account_user_key(account_user_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;

create or replace function internal.visible_user(caller internal.caller, account_id text, user_id text)
returns bigint
language sql stable
as $$
  select u.key
  from accounts.account_user as u
  where u.account_key = internal.account_key(account_id)
    and u.person_key = internal.person_key(user_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;
