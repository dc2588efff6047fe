-- One member of a JSON object as text: "name" : value.
create or replace function internal.member(name text, value json)
returns text
language sql stable parallel safe
as $$ select to_json(name)::text || ' : ' || coalesce(value::text, 'null') $$;

-- Both shapes of the members that are asked for; the object of internal.account_user_objects or of
-- internal.account_person_objects is what kind ('account_user' or 'user') says.
--
-- sections: the top-level members to have beside id and $meta; null for all. What is not among them is not computed.
-- codes: the one-time code just made for the key at the same place, or null; without one, invitation.url is left out.
-- $meta.omitted says what was left out. position counts the keys from 1.
-- plpgsql and not SQL because plpgsql keeps its plan from call to call.
create or replace function internal.membership_objects(kind text, keys bigint[], codes text[], sections text[])
returns table ("position" int, object json)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  v_all constant text[] := case kind
    when 'user' then array['id', 'email', 'status', 'firstName', 'lastName', 'name', 'phone', 'settings', 'icon',
      'account', 'groups', 'buyers', 'modules', 'invitation', 'audit', 'lastLoginAt']
    else array['id', 'audit', 'user', 'groups', 'buyers', 'modules', 'account', 'invitation', 'lastLoginAt']
  end;
  v_wanted constant text[] := case when sections is null then v_all else sections || array['id'] end;
  v_left_out constant text[] := array(
    select a.name from unnest(v_all) with ordinality as a (name, position)
    where a.name <> all (v_wanted)
    order by a.position);
  v_has_invitation constant boolean := 'invitation' = any (v_wanted);
  v_has_buyers constant boolean := 'buyers' = any (v_wanted);
  v_has_modules constant boolean := 'modules' = any (v_wanted);
  v_has_groups constant boolean := 'groups' = any (v_wanted);
  v_has_audit constant boolean := 'audit' = any (v_wanted);
  v_has_account constant boolean := 'account' = any (v_wanted);
begin
  return query
  with membership as materialized (
    select
      wanted.position::int as position,
      u.key,
      p as person,
      internal.timestamp_text(u.last_login_at) as last_login_at,
      wanted.code,
      case when u.status = 'Active' then 'Active'
        -- A scalar subquery and not "exists", which the planner may turn into a hash of every open invitation.
        when (
          select i.expires_at > statement_timestamp()
          from accounts.invitation as i
          where i.account_user_key = u.key and i.status = 'Open') then 'Invited'
        else 'InvitationExpired'
      end as status,
      case when v_has_audit then internal.member('audit', json_build_object(
        'created', json_build_object('at', internal.timestamp_text(u.created_at), 'by', u.created_by),
        'updated', json_build_object('at', internal.timestamp_text(u.updated_at), 'by', u.updated_by),
        'invitationAcceptedAt', internal.timestamp_text(u.invitation_accepted_at),
        'access', json_build_object('at', internal.timestamp_text(u.access_at)),
        'joined', json_build_object('at', internal.timestamp_text(u.joined_at))))
      end as audit,
      case when v_has_account then internal.member('account', json_build_object(
        'id', internal.account_id(a.key), 'icon', a.icon, 'type', a.type, 'status', a.status, 'name', a.name))
      end as account,
      case when v_has_groups then internal.member('groups', (
        select coalesce(json_agg(json_build_object(
          'id', internal.user_group_id(g.key), 'name', g.name, 'description', g.description, 'logo', g.logo,
          'isDefault', g.is_default) order by g.key), '[]')
        from accounts.account_user_group as l
        join accounts.user_group as g on g.key = l.user_group_key
        where l.account_user_key = u.key))
      end as groups,
      case when v_has_buyers then internal.member('buyers', (
        select coalesce(json_agg(json_build_object(
          'id', internal.buyer_id(b.key), 'icon', b.icon, 'name', b.name) order by b.key), '[]')
        from accounts.buyer as b
        where b.key in (
          select r.buyer_key
          from accounts.account_user_group as l, internal.user_group_buyers(l.user_group_key) as r
          where l.account_user_key = u.key)))
      end as buyers,
      case when v_has_modules then internal.member('modules', (
        select coalesce(json_agg(json_build_object(
          'id', internal.module_id(m.key), 'description', m.description, 'name', m.name,
          'filters', json_build_object('group.buyers', filter.buyers),
          'settings', internal.module_settings(m)) order by m.key), '[]')
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
        ) as filter))
      end as modules
    from unnest(keys, codes) with ordinality as wanted (key, code, position)
    join accounts.account_user as u on u.key = wanted.key
    join accounts.person as p on p.key = u.person_key
    join accounts.account as a on a.key = u.account_key
  )
  select
    m.position,
    ('{' || concat_ws(', ',
      case kind
        when 'user' then concat_ws(', ', internal.person_members(m.person, m.status, v_wanted), m.account)
        else concat_ws(', ',
          internal.member('id', to_json(internal.account_user_id(m.key))),
          m.audit,
          internal.member('$meta', shared.meta),
          case when 'user' = any (v_wanted) then internal.member('user', json_build_object(
            'id', internal.person_id((m.person).key), 'icon', (m.person).icon,
            'name', (m.person).first_name || ' ' || (m.person).last_name))
          end)
      end,
      m.groups, m.buyers, m.modules,
      case when kind <> 'user' then m.account end,
      case when v_has_invitation then internal.member('invitation', case
        when m.code is null then json_build_object('status', m.status)
        else json_build_object(
          'url', s.invitation_url_base || '/' || internal.account_user_id(m.key) || '/' || m.code,
          'status', m.status)
        end)
      end,
      case when kind = 'user' then m.audit end,
      case when 'lastLoginAt' = any (v_wanted) then internal.member('lastLoginAt', to_json(m.last_login_at)) end,
      case when kind = 'user' then internal.member('$meta', shared.meta) end) || '}')::json
  from membership as m
  cross join accounts.settings as s
  cross join lateral (
    select json_build_object('omitted', array(
      select o.name
      from unnest(v_left_out || case when v_has_invitation and m.code is null then array['invitation.url'] end)
        with ordinality as o (name, position)
      order by array_position(v_all, split_part(o.name, '.', 1)))) as meta
  ) as shared;
end
$$;

-- The public object of each membership, as the create answer and GET /account-users give it.
create or replace function internal.account_user_objects(keys bigint[], codes text[], sections text[] default null)
returns table ("position" int, object json)
language sql stable
as $$ select * from internal.membership_objects('account_user', keys, codes, sections) $$;
