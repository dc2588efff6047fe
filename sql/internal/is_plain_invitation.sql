create or replace function internal.is_plain_text(value jsonb, longest int, pattern text)
returns boolean
language sql immutable parallel safe
as $$
  select jsonb_typeof(value) = 'string' and octet_length(value #>> '{}') <= longest and (value #>> '{}') ~ pattern
$$;

create or replace function internal.is_plain_name(value jsonb)
returns boolean
language sql immutable parallel safe
as $$
  select jsonb_typeof(value) = 'string'
    and char_length(value #>> '{}') between 1 and 100
    and (value #>> '{}') !~ '^ |[\u0001-\u001f\u007f-\u00a0\u1680\u2000-\u206f\u3000]'
$$;

-- Whether a create request is so plain that internal.request_errors has nothing to say of it. False says nothing.
-- Most requests are plain, and an expression that the planner inlines is a tenth of the work of going through
-- internal.fields. tests/sql holds it to that: what is plain must have no mistake.
--
-- An object is compared with what is left of it without its known fields, and the groups by their text, which jsonb
-- writes in one way only.
create or replace function internal.is_plain_invitation(request jsonb)
returns boolean
language sql immutable parallel safe
as $$
  select coalesce(jsonb_typeof(request) = 'object'
    and request - '{user,account,groups,invitation}'::text[] = '{}'
    and jsonb_typeof(request -> 'user') = 'object'
    and (request -> 'user') - '{email,firstName,lastName,phone,settings}'::text[] = '{}'
    and internal.is_plain_text(request #> '{user,email}', 64,
      '^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[a-z0-9]+\.)+[a-z]+$')
    and internal.is_plain_name(request #> '{user,firstName}')
    and internal.is_plain_name(request #> '{user,lastName}')
    and (not request -> 'user' ? 'phone'
      or jsonb_typeof(request #> '{user,phone}') = 'object'
      and (request #> '{user,phone}') - '{prefix,number}'::text[] = '{}'
      and internal.is_plain_text(request #> '{user,phone,prefix}', 5, '^\+[0-9]+$')
      and internal.is_plain_text(request #> '{user,phone,number}', 15, '^[0-9]+$'))
    and (not request -> 'user' ? 'settings'
      or jsonb_typeof(request #> '{user,settings}') = 'object'
      and (request #> '{user,settings}') - '{cultureCode,languageCode}'::text[] = '{}'
      and internal.is_plain_text(request #> '{user,settings,cultureCode}', 5, '^[a-z][a-z](?:-[A-Z][A-Z])?$')
      and internal.is_plain_text(request #> '{user,settings,languageCode}', 5, '^[a-z][a-z](?:-[A-Z][A-Z])?$'))
    and (not request ? 'account'
      or jsonb_typeof(request -> 'account') = 'object'
      and (request -> 'account') - 'id' = '{}'
      and internal.account_key(request #>> '{account,id}') is not null)
    and (not request ? 'groups'
      or jsonb_typeof(request -> 'groups') = 'array'
      and jsonb_array_length(request -> 'groups') <= 100
      and (request -> 'groups')::text
        ~ '^\[(?:\{"id": "UGR-[0-9]{4}-[0-9]{4}"\}, )*\{"id": "UGR-[0-9]{4}-[0-9]{4}"\}\]$'
      -- The pattern that finds one given twice among many is dear, and two are many already.
      and case when jsonb_array_length(request -> 'groups') <= 2
        then request #> '{groups,0}' is distinct from request #> '{groups,1}'
        else (request -> 'groups')::text !~ '(UGR-.........).*\1' end)
    and (not request ? 'invitation' or request -> 'invitation' = '{"status": "Invited"}'), false)
$$;
