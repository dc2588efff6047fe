-- 43 characters of base64url (RFC 4648) that say what two random UUIDs do, which Postgres takes from the operating
-- system's CSPRNG: 244 bits that nobody can guess.
create or replace function internal.make_secret()
returns text
language sql volatile
as $$
  select translate(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/=', '-_')
$$;

-- What proves to an api function that its caller has the secret of a token: the SHA-256 of the secret, in hex.
create or replace function internal.secret_proof(secret text)
returns text
language sql immutable parallel safe
as $$ select encode(sha256(convert_to(secret, 'UTF8')), 'hex') $$;

-- What is kept of a proof. It is hashed once more, so that nobody who reads the table has the proof. A fast hash
-- does, since a proof has as many bits as the secret and cannot be guessed.
create or replace function internal.proof_sha256(proof text)
returns bytea
language sql immutable parallel safe
as $$ select sha256(convert_to(proof, 'UTF8')) $$;
