-- What a person-shaped object says of the person, as members of a JSON object.
create or replace function internal.person_members(person accounts.person, status text, wanted text[])
returns text
language sql stable parallel safe
as $$
  select concat_ws(', ',
    internal.member('id', to_json(internal.person_id(person.key))),
    case when 'email' = any (wanted) then internal.member('email', to_json(person.email)) end,
    case when 'status' = any (wanted) then internal.member('status', to_json(status)) end,
    case when 'firstName' = any (wanted) then internal.member('firstName', to_json(person.first_name)) end,
    case when 'lastName' = any (wanted) then internal.member('lastName', to_json(person.last_name)) end,
    case when 'name' = any (wanted)
      then internal.member('name', to_json(person.first_name || ' ' || person.last_name)) end,
    case when 'phone' = any (wanted) then internal.member('phone', json_build_object(
      'prefix', person.phone_prefix, 'number', person.phone_number)) end,
    case when 'settings' = any (wanted) then internal.member('settings', json_build_object(
      'cultureCode', person.culture_code, 'languageCode', person.language_code)) end,
    case when 'icon' = any (wanted) then internal.member('icon', to_json(person.icon)) end)
$$;

-- The person-shaped object of each membership, as GET /accounts/{accountId}/users gives it.
create or replace function internal.account_person_objects(keys bigint[], codes text[], sections text[] default null)
returns table ("position" int, object json)
language sql stable
as $$ select * from internal.membership_objects('user', keys, codes, sections) $$;
