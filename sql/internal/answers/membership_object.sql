-- The two shapes of a membership, as JSON text. wanted: the members to include. The object is assembled from members
-- that are text already ("name" : value, null if left out), because many memberships share the text of their groups.

-- One member of a JSON object. name must not need escaping.
create or replace function internal.member(name text, value json)
returns text
language sql stable parallel safe
as $$ select '"' || name || '" : ' || coalesce(value::text, 'null') $$;

-- All members of an object except $meta, in order.
create or replace function internal.object_members(kind text)
returns text[]
language sql immutable parallel safe
as $$
  select case kind
    when 'user' then '{id,email,status,firstName,lastName,name,phone,settings,icon,account,groups,buyers,modules,
      invitation,audit,lastLoginAt}'::text[]
    else '{id,audit,user,groups,buyers,modules,account,invitation,lastLoginAt}'::text[]
  end
$$;

-- $meta, which names the members left out, in the order of the object: sections, and invitation.url if there is no
-- code.
create or replace function internal.meta_member(kind text, wanted text[], has_code boolean)
returns text
language plpgsql immutable parallel safe
as $$
begin
  if has_code and wanted = internal.object_members(kind) then
    return '"$meta" : {"omitted" : []}';
  end if;
  return internal.member('$meta', json_build_object('omitted', array(
    select case when m.name = any (wanted) then 'invitation.url' else m.name end
    from unnest(internal.object_members(kind)) with ordinality as m (name, position)
    where m.name <> all (wanted) or m.name = 'invitation' and not has_code
    order by m.position)));
end
$$;

create or replace function internal.audit_member(member accounts.account_user)
returns text
language sql stable parallel safe
as $$
  select internal.member('audit', json_build_object(
    'created', json_build_object('at', internal.timestamp_text(member.created_at), 'by', member.created_by),
    'updated', json_build_object('at', internal.timestamp_text(member.updated_at), 'by', member.updated_by),
    'invitationAcceptedAt', internal.timestamp_text(member.invitation_accepted_at),
    'access', json_build_object('at', internal.timestamp_text(member.access_at)),
    'joined', json_build_object('at', internal.timestamp_text(member.joined_at))))
$$;

create or replace function internal.account_member(account accounts.account)
returns text
language sql stable parallel safe
as $$
  select internal.member('account', json_build_object(
    'id', internal.account_id(account.key), 'icon', account.icon, 'type', account.type, 'status', account.status,
    'name', account.name))
$$;

create or replace function internal.invitation_member(account_user_id text, code text, url_base text, status text)
returns text
language sql stable parallel safe
as $$
  select internal.member('invitation', case
    when code is null then json_build_object('status', status)
    else json_build_object(
      'url', url_base || '/' || account_user_id || '/' || code, 'status', status)
  end)
$$;

create or replace function internal.account_user_object(
  account_user_id text, member accounts.account_user, account accounts.account,
  groups text, buyers text, modules text, status text, code text, url_base text, wanted text[], meta text)
returns text
language sql stable parallel safe
as $$
  select '{' || concat_ws(', ',
    internal.member('id', to_json(account_user_id)),
    case when 'audit' = any (wanted) then internal.audit_member(member) end,
    meta,
    case when 'user' = any (wanted) then internal.member('user', json_build_object(
      'id', internal.person_id(member.person_key), 'icon', member.icon,
      'name', member.first_name || ' ' || member.last_name))
    end,
    groups, buyers, modules,
    case when 'account' = any (wanted) then internal.account_member(account) end,
    case when 'invitation' = any (wanted) then internal.invitation_member(account_user_id, code, url_base, status) end,
    case when 'lastLoginAt' = any (wanted)
      then internal.member('lastLoginAt', to_json(internal.timestamp_text(member.last_login_at))) end) || '}'
$$;

create or replace function internal.user_object(
  account_user_id text, member accounts.account_user, account accounts.account,
  groups text, buyers text, modules text, status text, code text, url_base text, wanted text[], meta text)
returns text
language sql stable parallel safe
as $$
  select '{' || concat_ws(', ',
    internal.member('id', to_json(internal.person_id(member.person_key))),
    case when 'email' = any (wanted) then internal.member('email', to_json(member.email)) end,
    case when 'status' = any (wanted) then internal.member('status', to_json(status)) end,
    case when 'firstName' = any (wanted) then internal.member('firstName', to_json(member.first_name)) end,
    case when 'lastName' = any (wanted) then internal.member('lastName', to_json(member.last_name)) end,
    case when 'name' = any (wanted)
      then internal.member('name', to_json(member.first_name || ' ' || member.last_name)) end,
    case when 'phone' = any (wanted) then internal.member('phone', json_build_object(
      'prefix', member.phone_prefix, 'number', member.phone_number)) end,
    case when 'settings' = any (wanted) then internal.member('settings', json_build_object(
      'cultureCode', member.culture_code, 'languageCode', member.language_code)) end,
    case when 'icon' = any (wanted) then internal.member('icon', to_json(member.icon)) end,
    case when 'account' = any (wanted) then internal.account_member(account) end,
    groups, buyers, modules,
    case when 'invitation' = any (wanted) then internal.invitation_member(account_user_id, code, url_base, status) end,
    case when 'audit' = any (wanted) then internal.audit_member(member) end,
    case when 'lastLoginAt' = any (wanted)
      then internal.member('lastLoginAt', to_json(internal.timestamp_text(member.last_login_at))) end,
    meta) || '}'
$$;
