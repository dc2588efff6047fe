-- The bytes of a SHA-256 written as 64 lower-case hex digits; null for any other text. ("{64}" in the
-- pattern would be ten times as slow.)
create or replace function internal.hash_of_text(hex text)
returns bytea
language sql immutable parallel safe
as $$ select case when octet_length(hex) = 64 and hex ~ '^[0-9a-f]+$' then decode(hex, 'hex') end $$;
