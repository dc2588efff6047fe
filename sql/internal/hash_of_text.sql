-- The bytes of a SHA-256 written as 64 lower-case hex digits; null for any other text.
create or replace function internal.hash_of_text(hex text)
returns bytea
language sql immutable parallel safe
as $$ select case when hex ~ '^[0-9a-f]{64}$' then decode(hex, 'hex') end $$;
