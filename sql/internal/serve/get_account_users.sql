-- Whether a request gets one whole membership: internal.get_account_users and internal.get_users answer these as a set.
create or replace function internal.is_plain_get(request internal.request, kind text)
returns boolean
language sql immutable parallel safe
as $$
  select request.operation = 'get' and request.kind = is_plain_get.kind and request.query = ''
    and not request.is_dry_run
$$;

-- The outcome of a plain get in the shape of an account user. An SQL function, so that it is inlined into the statement
-- that calls it, whose plan is cached; every row is found by a key. Of a membership that the caller may not see nothing
-- else is read.
create or replace function internal.get_account_user(account_user_id text, token text)
returns table (status int, body json, detail text)
language sql stable rows 1
as $$
  select
    case when c.status = 200 and (p.u).key is null then 404 else c.status end,
    case when (p.u).key is not null then internal.account_user_object(p.u, p.a, p.invitation_status, p.given) end,
    case when c.status = 200 and (p.u).key is null then 'There is nothing at this path.' else c.detail end
  from internal.find_caller(token) as c
  left join lateral (
    select f.key from internal.find_account_user(c, account_user_id) as f (key) where c.status = 200 offset 0
  ) as f on true
  left join lateral internal.read_membership(f.key) as p on true
$$;

-- The outcomes of the plain gets of a set, by one statement. position is that in requests, from 1; the rows come in no
-- particular order.
create or replace function internal.get_account_users(requests internal.request[])
returns table ("position" int, status int, body json, detail text)
language sql stable
as $$
  select r.ordinality::int, g.status, g.body, g.detail
  from unnest(requests) with ordinality as r
  cross join lateral internal.get_account_user(r.account_user_id, r.token) as g
  where r.operation = 'get' and r.kind = 'account_user' and r.query = '' and not r.is_dry_run
$$;
