-- What the object of a membership is made of (internal.object_members). An SQL function, so that it is inlined into the
-- statement that calls it, whose plan is cached. Every table is read by a key found in the one before. What groups give
-- is read where it is kept (is_kept), and computed otherwise. Rows are passed on whole, because each column of each
-- step of a plan costs time whenever the plan is started.
create or replace function internal.read_membership(account_user_key bigint)
returns table (
  u accounts.account_user, a accounts.account, invitation_status text, given internal.given_members, is_kept boolean)
language sql stable rows 1
as $$
  select m.u, n.a,
    case when m.status = 'Active' then 'Active'
      -- A scalar subquery instead of "exists", which the planner may turn into a hash of all open invitations.
      when (
        select i.expires_at > statement_timestamp()
        from accounts.invitation as i
        where i.account_user_key = m.key and i.status = 'Open') then 'Invited'
      else 'InvitationExpired'
    end,
    case when k.groups is null then internal.compute_given(m.key)
      else (k.groups, k.buyers, k.modules)::internal.given_members end,
    k.groups is not null
  from (
    select i as u, i.key, i.account_key, i.status
    from accounts.account_user as i
    where i.key = read_membership.account_user_key
    offset 0
  ) as m
  cross join lateral (
    select i as a, i.groups_revision from accounts.account as i where i.key = m.account_key offset 0
  ) as n
  left join lateral (
    select i.groups, i.buyers, i.modules
    from accounts.user_group_set as i
    where i.user_group_keys = array(
        select l.user_group_key from accounts.account_user_group as l
        where l.account_user_key = m.key
        order by l.user_group_key)
      and i.groups_revision = n.groups_revision
      and i.modules_revision = (select s.modules_revision from accounts.settings as s)
    offset 0
  ) as k on true
  offset 0
$$;

-- The whole object of each membership in the shape of kind ('account_user' or 'user').
--
-- codes: the new one-time code for the key at the same index, or null for no codes; invitation.url is included only
-- with a code. position counts the keys from 1; the rows come in no particular order. is_kept: what the groups give was
-- kept.
create or replace function internal.build_objects(kind text, keys bigint[], codes text[])
returns table ("position" int, object json, is_kept boolean)
language plpgsql stable
as $$
begin
  -- A statement for each shape, because starting one costs time for every member of its objects.
  if kind = 'account_user' and codes is null then
    return query
    select k.position::int, internal.account_user_object(p.u, p.a, p.invitation_status, p.given), p.is_kept
    from unnest(keys) with ordinality as k (key, position)
    cross join lateral internal.read_membership(k.key) as p;
  elsif kind = 'account_user' then
    return query
    select k.position::int, internal.account_user_object(p.u, p.a, p.invitation_status, p.given, i.url), p.is_kept
    from unnest(keys, codes) with ordinality as k (key, code, position)
    cross join lateral internal.read_membership(k.key) as p
    cross join lateral (
      select internal.invitation_url(s.invitation_url_base, k.key, k.code) as url from accounts.settings as s offset 0
    ) as i;
  elsif codes is null then
    return query
    select k.position::int, internal.user_object(p.u, p.a, p.invitation_status, p.given), p.is_kept
    from unnest(keys) with ordinality as k (key, position)
    cross join lateral internal.read_membership(k.key) as p;
  else
    return query
    select k.position::int, internal.user_object(p.u, p.a, p.invitation_status, p.given, i.url), p.is_kept
    from unnest(keys, codes) with ordinality as k (key, code, position)
    cross join lateral internal.read_membership(k.key) as p
    cross join lateral (
      select internal.invitation_url(s.invitation_url_base, k.key, k.code) as url from accounts.settings as s offset 0
    ) as i;
  end if;
end
$$;
