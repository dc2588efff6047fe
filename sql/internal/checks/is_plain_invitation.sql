-- The values in the body of a create request, null where it has none. A number has a text too, so a value is not
-- proof of a string.
create or replace function internal.invitation_values(body jsonb)
returns table (
  email text, first_name text, last_name text, phone_prefix text, phone_number text, culture_code text,
  language_code text, account_id text, groups jsonb)
language sql immutable parallel safe
as $$
  select
    body #>> '{user,email}', body #>> '{user,firstName}', body #>> '{user,lastName}',
    body #>> '{user,phone,prefix}', body #>> '{user,phone,number}',
    body #>> '{user,settings,cultureCode}', body #>> '{user,settings,languageCode}',
    body #>> '{account,id}', body -> 'groups'
$$;

-- Whether no item of an array occurs twice. A separate function, because one with a subquery is not inlined.
create or replace function internal.are_distinct(items jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
begin
  return (select count(distinct i.item) = count(*) from jsonb_array_elements(items) as i (item));
end
$$;

-- Whether a create request passes simple tests that imply that internal.request_errors finds no mistake. False
-- implies nothing. Most requests pass, and an expression that the planner inlines is far cheaper than checking each
-- field of internal.list_shape_fields. tests/sql/is_plain_invitation.sql checks the implication.
--
-- It has as few functions as possible, because starting one in a statement costs more than running it. So the body is
-- compared with the object that its values would make, and texts are tested in pairs. Groups are tested as text,
-- because jsonb has one text form for each value.
create or replace function internal.is_plain_invitation(
  body jsonb, email text, first_name text, last_name text, phone_prefix text, phone_number text, culture_code text,
  language_code text, account_id text, groups jsonb)
returns boolean
language sql stable parallel safe
as $$
  select coalesce(body <@ jsonb_build_object(
      'user', jsonb_build_object(
        'email', email, 'firstName', first_name, 'lastName', last_name,
        'phone', case when phone_prefix is not null
          then jsonb_build_object('prefix', phone_prefix, 'number', phone_number) end,
        'settings', case when culture_code is not null
          then jsonb_build_object('cultureCode', culture_code, 'languageCode', language_code) end),
      'account', case when account_id is not null then jsonb_build_object('id', account_id) end,
      'groups', groups,
      'invitation', case when body #>> '{invitation,status}' = 'Invited' then '{"status": "Invited"}'::jsonb end)
    and octet_length(email) <= 64
    and email ~ ('^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*'
      '@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]+$')
    -- Each name begins with a letter, so it is not blank.
    and octet_length(first_name || last_name) <= 100
    and first_name || '/' || last_name ~ (
      '^[A-Za-z\u00c0-\u024f\u0391-\u0481\u048a-\u052f\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u0620-\u064a'
      '\u0904-\u0939\u0985-\u09b9\u0a05-\u0a39\u0a85-\u0ab9\u0b05-\u0b39\u0b85-\u0bb9\u0c05-\u0c39'
      '\u0c85-\u0cb9\u0d05-\u0d39\u0d85-\u0dc6\u0e01-\u0e30\u0e40-\u0e45\u0e81-\u0eb0\u0ec0-\u0ec4'
      '\u0f40-\u0f6c\u1000-\u102a\u10a0-\u10ff'
      '\u1200-\u135a\u13a0-\u13f4\u1780-\u17b3\u1820-\u1878\u1e00-\u1fbc\u3041-\u3096\u30a1-\u30fa\u3105-\u312f'
      '\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0002a6df]'
      '[^/\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]*'
      '/[A-Za-z\u00c0-\u024f\u0391-\u0481\u048a-\u052f\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u0620-\u064a'
      '\u0904-\u0939\u0985-\u09b9\u0a05-\u0a39\u0a85-\u0ab9\u0b05-\u0b39\u0b85-\u0bb9\u0c05-\u0c39'
      '\u0c85-\u0cb9\u0d05-\u0d39\u0d85-\u0dc6\u0e01-\u0e30\u0e40-\u0e45\u0e81-\u0eb0\u0ec0-\u0ec4'
      '\u0f40-\u0f6c\u1000-\u102a\u10a0-\u10ff'
      '\u1200-\u135a\u13a0-\u13f4\u1780-\u17b3\u1820-\u1878\u1e00-\u1fbc\u3041-\u3096\u30a1-\u30fa\u3105-\u312f'
      '\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0002a6df]'
      '[^/\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]*$')
    -- Prefix and number have at most 15 digits together (E.164).
    and (phone_prefix is null
      or octet_length(phone_prefix || phone_number) <= 16
      and phone_prefix || '/' || phone_number ~ '^\+[0-9][0-9]?[0-9]?[0-9]?/[0-9]+$')
    and (culture_code is null
      or culture_code || '/' || language_code ~ '^[a-z][a-z](?:-[A-Z][A-Z])?/[a-z][a-z](?:-[A-Z][A-Z])?$')
    and (account_id is null or account_id ~ '^ACC-[0-9]{4}-[0-9]{4}$')
    and (groups is null
      or groups::text ~ '^\[(?:\{"id": "UGR-[0-9]{4}-[0-9]{4}"\}, )*\{"id": "UGR-[0-9]{4}-[0-9]{4}"\}\]$'
      and case
        when jsonb_array_length(groups) <= 2 then groups -> 0 is distinct from groups -> 1
        else jsonb_array_length(groups) <= 100 and internal.are_distinct(groups)
      end), false)
$$;

-- The same for a body alone.
create or replace function internal.is_plain_invitation(body jsonb)
returns boolean
language sql stable parallel safe
as $$
  select internal.is_plain_invitation(body, v.email, v.first_name, v.last_name, v.phone_prefix, v.phone_number,
    v.culture_code, v.language_code, v.account_id, v.groups)
  from internal.invitation_values(body) as v
$$;
