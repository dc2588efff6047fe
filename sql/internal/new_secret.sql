-- 43 characters of base64url (RFC 4648) that say what two random UUIDs do, which Postgres takes from the operating
-- system's CSPRNG: 244 bits that nobody can guess.
create or replace function internal.new_secret()
returns text
language sql volatile
as $$
  select translate(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/=', '-_')
$$;
