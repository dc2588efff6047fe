-- 43 characters of base64url (RFC 4648) from two random UUIDs, which Postgres takes from the
-- operating system's CSPRNG: 244 bits. SHA-256 spreads them over all characters.
create or replace function internal.new_secret()
returns text
language sql volatile
as $$
  select translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '+/=', '-_')
$$;
