-- The same as internal.get_account_user and internal.get_account_users, in the shape of a user.
create or replace function internal.get_user(account_id text, user_id text, token text)
returns table (status int, body json, detail text)
language sql stable rows 1
as $$
  select
    case when c.status = 200 and (p.u).key is null then 404 else c.status end,
    case when (p.u).key is not null then internal.user_object(p.u, p.a, p.invitation_status, p.given) end,
    case when c.status = 200 and (p.u).key is null then 'There is nothing at this path.' else c.detail end
  from internal.find_caller(token) as c
  left join lateral (
    select m.*
    from (select internal.person_key(user_id) as person_key offset 0) as k
    cross join lateral (
      select i.key, i.account_key from accounts.account_user as i where i.person_key = k.person_key offset 0
    ) as n
    cross join lateral internal.read_membership(n.key) as m
    where n.account_key = internal.account_key(account_id)
  ) as p
    on c.status = 200
      and (p.u).status <> 'Removed'
      and (c.sees_all_accounts or (p.u).account_key = c.account_key)
$$;

create or replace function internal.get_users(requests internal.request[])
returns table ("position" int, status int, body json, detail text)
language sql stable
as $$
  select r.ordinality::int, g.status, g.body, g.detail
  from unnest(requests) with ordinality as r
  cross join lateral internal.get_user(r.account_id, r.user_id, r.token) as g
  where r.operation = 'get' and r.kind = 'user' and r.query = '' and not r.is_dry_run
$$;
