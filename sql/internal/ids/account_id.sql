create or replace function internal.account_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('ACC-', key) $$;

create or replace function internal.account_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('ACC-', id) $$;
