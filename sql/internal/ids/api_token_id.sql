create or replace function internal.api_token_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('TKN-', key) $$;

create or replace function internal.api_token_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('TKN-', id) $$;
