-- The fields of both shapes ('account_user', 'user') in the order of the object: those that select can name, and
-- those that filters and order can name, with their SQL. This table is all that lists know about fields.
--
-- type: id:<which>, text, name (text with an index), email, timestamp, boolean, enum:<values>, collection, or null if
-- the field cannot be filtered. is_member: select can name it; a field without members of its own is a leaf.
-- expression uses the aliases u (membership), p (person), a (account), and within a collection g, b or m. These
-- expressions are the only SQL in compiled queries that is not written in the compiler itself.
create or replace function internal.list_fields(kind text)
returns table (path text, type text, expression text, is_member boolean)
language sql immutable parallel safe
as $$
  select f.path, f.type, f.expression, f.is_member
  from (values
    ('account_user', 1, 'id', 'id:account_user', 'u.key', true),
    ('user', 1, 'id', 'id:person', 'u.person_key', true),
    ('user', 2, 'email', 'email', 'p.email_key', true),
    ('user', 3, 'status', 'enum:Active,Invited,InvitationExpired', 'status', true),
    ('user', 4, 'firstName', 'text', 'u.first_name', true),
    ('user', 5, 'lastName', 'text', 'u.last_name', true),
    ('user', 6, 'name', 'name', '(u.first_name || '' '' || u.last_name)', true),
    ('user', 7, 'phone.prefix', 'text', 'u.phone_prefix', true),
    ('user', 8, 'phone.number', 'text', 'u.phone_number', true),
    ('user', 9, 'settings.cultureCode', 'text', 'u.culture_code', true),
    ('user', 10, 'settings.languageCode', 'text', 'u.language_code', true),
    ('user', 11, 'icon', 'text', 'u.icon', true),
    ('account_user', 30, 'user.id', 'id:person', 'u.person_key', true),
    ('account_user', 31, 'user.icon', 'text', 'u.icon', true),
    ('account_user', 32, 'user.name', 'name', '(u.first_name || '' '' || u.last_name)', true),
    ('account_user', 33, 'user.email', 'email', 'p.email_key', false),
    ('both', 40, 'groups', 'collection', null, false),
    ('both', 41, 'groups.id', 'id:user_group', 'g.key', true),
    ('both', 42, 'groups.name', 'text', 'g.name', true),
    ('both', 43, 'groups.description', 'text', 'g.description', true),
    ('both', 44, 'groups.logo', 'text', 'g.logo', true),
    ('both', 45, 'groups.isDefault', 'boolean', 'g.is_default', true),
    ('both', 50, 'buyers', 'collection', null, false),
    ('both', 51, 'buyers.id', 'id:buyer', 'b.key', true),
    ('both', 52, 'buyers.icon', 'text', 'b.icon', true),
    ('both', 53, 'buyers.name', 'text', 'b.name', true),
    ('both', 60, 'modules', 'collection', null, false),
    ('both', 61, 'modules.id', 'id:module', 'm.key', true),
    ('both', 62, 'modules.description', 'text', 'm.description', true),
    ('both', 63, 'modules.name', 'text', 'm.name', true),
    ('both', 64, 'modules.filters', null, null, true),
    ('both', 65, 'modules.settings.configurable', 'boolean', 'm.is_configurable', true),
    ('both', 66, 'modules.settings.default', 'boolean', 'm.is_default', true),
    ('both', 67, 'modules.settings.paid', 'boolean', 'm.is_paid', true),
    ('both', 68, 'modules.settings.type', null, null, true),
    ('both', 69, 'modules.settings.obsolete', 'boolean', 'm.is_obsolete', true),
    ('both', 70, 'modules.settings.eligibility.multi', 'boolean', 'm.eligible_multi', true),
    ('both', 71, 'modules.settings.eligibility.single', 'boolean', 'm.eligible_single', true),
    ('both', 80, 'account.id', 'id:account', 'u.account_key', true),
    ('both', 81, 'account.icon', 'text', 'a.icon', true),
    ('both', 82, 'account.type', 'enum:Client,Vendor,Operations', 'a.type::text', true),
    ('both', 83, 'account.status', 'enum:Active,Enabled,Disabled', 'a.status::text', true),
    ('both', 84, 'account.name', 'text', 'a.name', true),
    ('both', 90, 'invitation.url', null, null, true),
    ('both', 91, 'invitation.status', 'enum:Active,Invited,InvitationExpired', 'status', true),
    ('both', 20, 'audit.created.at', 'timestamp', 'u.created_at', true),
    ('both', 21, 'audit.created.by', null, null, true),
    ('both', 21, 'audit.created.by.id', 'text', '(u.created_by ->> ''id'')', false),
    ('both', 21, 'audit.created.by.name', 'text', '(u.created_by ->> ''name'')', false),
    ('both', 22, 'audit.updated.at', 'timestamp', 'u.updated_at', true),
    ('both', 23, 'audit.updated.by', null, null, true),
    ('both', 23, 'audit.updated.by.id', 'text', '(u.updated_by ->> ''id'')', false),
    ('both', 23, 'audit.updated.by.name', 'text', '(u.updated_by ->> ''name'')', false),
    ('both', 24, 'audit.invitationAcceptedAt', 'timestamp', 'u.invitation_accepted_at', true),
    ('both', 25, 'audit.access.at', 'timestamp', 'u.access_at', true),
    ('both', 26, 'audit.joined.at', 'timestamp', 'u.joined_at', true),
    ('both', 99, 'lastLoginAt', 'timestamp', 'u.last_login_at', true)
  ) as f (kind, place, path, type, expression, is_member)
  where f.kind in (list_fields.kind, 'both')
  -- A user has the account before the groups, and the audit after the invitation.
  order by case
    when list_fields.kind = 'user' and f.path like 'audit.%' then 95
    when list_fields.kind = 'user' and f.path like 'account.%' then 35
    else f.place
  end, f.place
$$;

-- The same by path: {path: {"type", "expression"}}. Looking up one field is much cheaper than searching the table.
create or replace function internal.list_fields_by_path(kind text)
returns jsonb
language sql immutable parallel safe
as $$
  select jsonb_object_agg(f.path, jsonb_build_object('type', f.type, 'expression', f.expression))
  from internal.list_fields(kind) as f
$$;

-- The FROM and WHERE of a collection's rows, to which a condition on one row is appended.
create or replace function internal.list_collection(name text)
returns text
language sql immutable parallel safe
as $$
  select case name
    when 'groups' then
      'from accounts.account_user_group as l join accounts.user_group as g on g.key = l.user_group_key'
    when 'buyers' then
      'from accounts.account_user_group as l join accounts.user_group as g on g.key = l.user_group_key'
      ' join accounts.buyer as b on b.account_key = g.account_key and (g.has_all_buyers or exists ('
      'select from accounts.user_group_buyer as r where r.user_group_key = g.key and r.buyer_key = b.key))'
    when 'modules' then
      'from accounts.account_user_group as l join accounts.user_group_module as r on'
      ' r.user_group_key = l.user_group_key join accounts.module as m on m.key = r.module_key'
  end || ' where l.account_user_key = u.key'
$$;
