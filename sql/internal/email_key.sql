-- What accounts.person.email_key holds for an address (a test compares the two).
create or replace function internal.email_key(email text)
returns text
language sql immutable parallel safe
as $$
  select normalize(lower(normalize(email, nfc) collate "und-x-icu"), nfc) collate "C"
$$;
