-- A secret of 43 characters in base64url (RFC 4648): two random UUIDs, which PostgreSQL takes from the operating
-- system's CSPRNG, with 244 random bits.
create or replace function internal.make_secret()
returns text
language sql volatile
as $$
  select translate(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/=', '-_')
$$;

-- The proof that the caller of an api function has the secret of a token: the SHA-256 of the secret, in hex.
create or replace function internal.secret_proof(secret text)
returns text
language sql immutable parallel safe
as $$ select encode(sha256(convert_to(secret, 'UTF8')), 'hex') $$;

-- The stored form of a proof. The proof is hashed, so that reading the table does not reveal it. A fast hash is
-- enough, because a proof has as much entropy as the secret and cannot be guessed.
create or replace function internal.proof_sha256(proof text)
returns bytea
language sql stable parallel safe
as $$ select sha256(convert_to(proof, 'UTF8')) $$;
