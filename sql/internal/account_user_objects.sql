-- The public object of each membership, as the create answer and GET /account-users give it.
-- codes: the one-time code just made for the key at the same place, or null; without one,
-- invitation.url is left out and $meta.omitted says so. position counts the keys from 1.
-- plpgsql and not SQL because plpgsql keeps its plan from call to call.
create or replace function internal.account_user_objects(keys bigint[], codes text[])
returns table ("position" int, object json)
language plpgsql stable
as $$
begin
  return query
  select
    wanted.position::int,
    json_build_object(
      'id', internal.account_user_id(u.key),
      'audit', json_build_object(
        'created', json_build_object('at', internal.timestamp_text(u.created_at), 'by', u.created_by),
        'updated', json_build_object('at', internal.timestamp_text(u.updated_at), 'by', u.updated_by),
        'invitationAcceptedAt', internal.timestamp_text(u.invitation_accepted_at),
        'access', json_build_object('at', internal.timestamp_text(u.access_at)),
        'joined', json_build_object('at', internal.timestamp_text(u.joined_at))),
      '$meta', json_build_object(
        'omitted', case when wanted.code is null then '["invitation.url"]'::json else '[]'::json end),
      'user', json_build_object(
        'id', internal.person_id(p.key), 'icon', p.icon, 'name', p.first_name || ' ' || p.last_name),
      'groups', groups.objects,
      'buyers', buyers.objects,
      'modules', modules.objects,
      'account', json_build_object(
        'id', internal.account_id(a.key), 'icon', a.icon, 'type', a.type, 'status', a.status, 'name', a.name),
      'invitation', case
        when wanted.code is null then json_build_object('status', invitation.status)
        else json_build_object(
          'url', s.invitation_url_base || '/' || internal.account_user_id(u.key) || '/' || wanted.code,
          'status', invitation.status)
      end,
      'lastLoginAt', internal.timestamp_text(u.last_login_at))
  from unnest(keys, codes) with ordinality as wanted (key, code, position)
  join accounts.account_user as u on u.key = wanted.key
  join accounts.person as p on p.key = u.person_key
  join accounts.account as a on a.key = u.account_key
  cross join accounts.settings as s
  cross join lateral (
    -- A scalar subquery and not "exists", which the planner may turn into a hash of every open invitation.
    select case
      when u.status = 'Active' then 'Active'
      when (
        select i.expires_at > statement_timestamp()
        from accounts.invitation as i
        where i.account_user_key = u.key and i.status = 'Open') then 'Invited'
      else 'InvitationExpired'
    end as status
  ) as invitation
  cross join lateral (
    select coalesce(json_agg(json_build_object(
      'id', internal.user_group_id(g.key), 'name', g.name, 'description', g.description, 'logo', g.logo,
      'isDefault', g.is_default) order by g.key), '[]') as objects
    from accounts.account_user_group as l
    join accounts.user_group as g on g.key = l.user_group_key
    where l.account_user_key = u.key
  ) as groups
  cross join lateral (
    select coalesce(json_agg(json_build_object(
      'id', internal.buyer_id(b.key), 'icon', b.icon, 'name', b.name) order by b.key), '[]') as objects
    from accounts.buyer as b
    where b.key in (
      select r.buyer_key
      from accounts.account_user_group as l, internal.user_group_buyers(l.user_group_key) as r
      where l.account_user_key = u.key)
  ) as buyers
  cross join lateral (
    select coalesce(json_agg(json_build_object(
      'id', internal.module_id(m.key), 'description', m.description, 'name', m.name,
      'filters', json_build_object('group.buyers', filter.buyers),
      'settings', internal.module_settings(m)) order by m.key), '[]')
      as objects
    from (
      select gm.module_key, array_agg(gm.user_group_key) as user_group_keys
      from accounts.account_user_group as l
      join accounts.user_group_module as gm on gm.user_group_key = l.user_group_key
      where l.account_user_key = u.key
      group by gm.module_key
    ) as reached
    join accounts.module as m on m.key = reached.module_key
    cross join lateral (
      select coalesce(json_agg(internal.buyer_id(b.buyer_key) order by b.buyer_key), '[]') as buyers
      from (
        select distinct r.buyer_key
        from unnest(reached.user_group_keys) as g (key), internal.user_group_buyers(g.key) as r
      ) as b
    ) as filter
  ) as modules;
end
$$;
