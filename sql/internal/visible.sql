-- The key of the membership that a path names, if it is there and the caller may see it; null in
-- every other case, so that nobody learns which ids exist.
--
-- A membership is looked for among those of its person ("lateral" with "offset 0"). A plan made while the account had
-- few members would read all of them, for as long as it is kept.

-- Whoever asks.
create or replace function internal.path_account_user(element jsonb)
returns bigint
language sql stable
as $$
  select case element ->> 'kind'
    when 'account_user' then internal.account_user_key(element ->> 'accountUser')
    else (
      select u.key
      from (select internal.person_key(element ->> 'user') as person_key offset 0) as k
      cross join lateral (
        select i.key, i.account_key from accounts.account_user as i where i.person_key = k.person_key offset 0
      ) as u
      where u.account_key = internal.account_key(element ->> 'account'))
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
  from (select internal.person_key(user_id) as person_key offset 0) as k
  cross join lateral (
    select i.key, i.account_key, i.status from accounts.account_user as i where i.person_key = k.person_key offset 0
  ) as u
  where u.account_key = internal.account_key(account_id)
    and u.status <> 'Removed'
    and (caller.sees_all_accounts or u.account_key = caller.account_key)
$$;
