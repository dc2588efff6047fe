create or replace function internal.buyer_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('BUY-', key) $$;

create or replace function internal.buyer_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('BUY-', id) $$;
