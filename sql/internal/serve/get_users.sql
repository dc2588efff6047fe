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
    select f.key from internal.find_user(c, account_id, user_id) as f (key) where c.status = 200 offset 0
  ) as f on true
  left join lateral internal.read_membership(f.key) as p on true
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
