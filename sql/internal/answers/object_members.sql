-- What an object of a shape consists of, in order: the path of each member and the SQL of its value. This table is the
-- only description of the two shapes.
--
-- The SQL is in terms of u (accounts.account_user), a (accounts.account), invitation_status, given (what groups give)
-- and url (of the invitation, which only the response to an invitation has). $meta has none: internal.object_sql fills
-- it.
create or replace function internal.object_members(kind text)
returns table (steps text[], sql text)
language sql immutable parallel safe
as $$
  select string_to_array(m.path, '.'), m.sql
  from (values
    ('account_user', 10, 'id', 'internal.account_user_id(u.key)'),
    ('user', 10, 'id', 'internal.person_id(u.person_key)'),
    ('account_user', 30, '$meta', null),
    ('user', 99, '$meta', null),
    ('user', 31, 'email', 'u.email'),
    ('user', 32, 'status', 'invitation_status'),
    ('user', 33, 'firstName', 'u.first_name'),
    ('user', 34, 'lastName', 'u.last_name'),
    ('user', 35, 'name', 'u.first_name || '' '' || u.last_name'),
    ('user', 36, 'phone.prefix', 'u.phone_prefix'),
    ('user', 37, 'phone.number', 'u.phone_number'),
    ('user', 38, 'settings.cultureCode', 'u.culture_code'),
    ('user', 39, 'settings.languageCode', 'u.language_code'),
    ('user', 40, 'icon', 'u.icon'),
    ('account_user', 31, 'user.id', 'internal.person_id(u.person_key)'),
    ('account_user', 32, 'user.icon', 'u.icon'),
    ('account_user', 33, 'user.name', 'u.first_name || '' '' || u.last_name'),
    ('both', 50, 'groups', '(given).groups'),
    ('both', 51, 'buyers', '(given).buyers'),
    ('both', 52, 'modules', '(given).modules'),
    ('both', 60, 'account.id', 'internal.account_id(a.key)'),
    ('both', 61, 'account.icon', 'a.icon'),
    ('both', 62, 'account.type', 'a.type'),
    ('both', 63, 'account.status', 'a.status'),
    ('both', 64, 'account.name', 'a.name'),
    ('both', 70, 'invitation.url', 'url'),
    ('both', 71, 'invitation.status', 'invitation_status'),
    ('both', 20, 'audit.created.at', 'internal.timestamp_text(u.created_at)'),
    ('both', 21, 'audit.created.by', 'u.created_by'),
    ('both', 22, 'audit.updated.at', 'internal.timestamp_text(u.updated_at)'),
    ('both', 23, 'audit.updated.by', 'u.updated_by'),
    ('both', 24, 'audit.invitationAcceptedAt', 'internal.timestamp_text(u.invitation_accepted_at)'),
    ('both', 25, 'audit.access.at', 'internal.timestamp_text(u.access_at)'),
    ('both', 26, 'audit.joined.at', 'internal.timestamp_text(u.joined_at)'),
    ('both', 90, 'lastLoginAt', 'internal.timestamp_text(u.last_login_at)')
  ) as m (kind, place, path, sql)
  where m.kind in (object_members.kind, 'both')
  order by case
    when object_members.kind = 'user' and m.path like 'audit.%' then 80
    when object_members.kind = 'user' and m.path like 'account.%' then 45
    else m.place
  end, m.place
$$;

-- The SQL of an object without the omitted paths, which its $meta.omitted names: json_build_object, and the same for
-- each member that is an object.
create or replace function internal.object_sql(kind text, omitted text[])
returns text
language plpgsql immutable parallel safe
as $$
declare
  v_steps text[];
  v_value text;
  v_open text[] := array[]::text[];
  v_sql text := 'json_build_object(';
begin
  for v_steps, v_value in
    select m.steps, m.sql
    from internal.object_members(kind) as m
    where not exists (
      select from generate_series(1, cardinality(m.steps)) as n (length)
      where array_to_string(m.steps[:n.length], '.') = any (omitted))
  loop
    while v_open <> v_steps[:cardinality(v_open)] loop
      v_open := trim_array(v_open, 1);
      v_sql := v_sql || ')';
    end loop;
    while cardinality(v_open) < cardinality(v_steps) - 1 loop
      v_open := v_steps[:cardinality(v_open) + 1];
      v_sql := concat(v_sql, case when v_sql not like '%(' then ', ' end,
        format('%L, json_build_object(', v_open[cardinality(v_open)]));
    end loop;
    v_sql := concat(v_sql, case when v_sql not like '%(' then ', ' end,
      format('%L, %s', v_steps[cardinality(v_steps)],
        coalesce(v_value, format('%L::json', json_build_object('omitted', omitted)))));
  end loop;
  return v_sql || repeat(')', cardinality(v_open) + 1);
end
$$;
