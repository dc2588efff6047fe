-- The object of each membership in the shape of kind ('account_user' or 'user').
--
-- sections: the top-level members to include besides id and $meta; null for all. Other members are not computed.
-- codes: the new one-time code for the key at the same index, or null; invitation.url is included only with a code.
-- $meta.omitted names what was left out. position counts the keys from 1; the rows come in no particular order.
--
-- Written in plpgsql and not SQL, because plpgsql caches its plan between calls. Memberships are processed in the
-- order of their sets of groups: what groups contribute is most of the work, and the members of an account have few
-- different sets.
create or replace function internal.membership_objects(kind text, keys bigint[], codes text[], sections text[])
returns table ("position" int, object json)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  v_wanted constant text[] := case when sections is null
    then internal.object_members(kind) else sections || array['id'] end;
  v_url_base constant text := (select s.invitation_url_base from accounts.settings as s);
  v_meta text;
  v_meta_without_url text;
  v_row record;
  v_user_group_keys bigint[];
  v_given record;
begin
  v_meta := internal.meta_member(kind, v_wanted, true);
  v_meta_without_url := internal.meta_member(kind, v_wanted, false);

  for v_row in
    select
      wanted.position::int as position,
      wanted.code,
      internal.account_user_id(u.key) as id,
      u as member,
      a as account,
      case when u.status = 'Active' then 'Active'
        -- A scalar subquery instead of "exists", which the planner may turn into a hash of all open invitations.
        when (
          select i.expires_at > statement_timestamp()
          from accounts.invitation as i
          where i.account_user_key = u.key and i.status = 'Open') then 'Invited'
        else 'InvitationExpired'
      end as status,
      array(
        select l.user_group_key from accounts.account_user_group as l
        where l.account_user_key = u.key
        order by l.user_group_key) as user_group_keys
    from unnest(keys, codes) with ordinality as wanted (key, code, position)
    join accounts.account_user as u on u.key = wanted.key
    join accounts.account as a on a.key = u.account_key
    order by user_group_keys
  loop
    if v_row.user_group_keys is distinct from v_user_group_keys then
      v_user_group_keys := v_row.user_group_keys;
      select
        case when 'groups' = any (v_wanted) then k.groups end as groups,
        case when 'buyers' = any (v_wanted) then k.buyers end as buyers,
        case when 'modules' = any (v_wanted) then k.modules end as modules
      into v_given
      from internal.kept_group_members(array[v_user_group_keys::text]) as k;
      if not found then
        select g.groups, g.buyers, g.modules into v_given
        from internal.group_members(array[v_user_group_keys::text], v_wanted) as g;
      end if;
    end if;
    position := v_row.position;
    if kind = 'user' then
      object := internal.user_object(
        v_row.id, v_row.member, v_row.account, v_given.groups, v_given.buyers, v_given.modules,
        v_row.status, v_row.code, v_url_base, v_wanted,
        case when v_row.code is null then v_meta_without_url else v_meta end)::json;
    else
      object := internal.account_user_object(
        v_row.id, v_row.member, v_row.account, v_given.groups, v_given.buyers, v_given.modules,
        v_row.status, v_row.code, v_url_base, v_wanted,
        case when v_row.code is null then v_meta_without_url else v_meta end)::json;
    end if;
    return next;
  end loop;
end
$$;
