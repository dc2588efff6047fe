-- The key of the membership that a path names; null if there is none or the caller may not see it, so that a response
-- does not reveal which ids exist.
--
-- A membership is found among those of its person ("lateral" with "offset 0"). A plan that was made while the account
-- had few members could instead read all of them for as long as it is cached.

-- For any caller.
create or replace function internal.find_membership_by_path(request internal.request)
returns bigint
language sql stable
as $$
  select case request.kind
    when 'account_user' then internal.account_user_key(request.account_user_id)
    else (
      select u.key
      from (select internal.person_key(request.user_id) as person_key offset 0) as k
      cross join lateral (
        select i.key, i.account_key from accounts.account_user as i where i.person_key = k.person_key offset 0
      ) as u
      where u.account_key = internal.account_key(request.account_id))
  end
$$;
