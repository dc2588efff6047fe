create or replace function internal.person_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('USR-', key) $$;

create or replace function internal.person_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('USR-', id) $$;
