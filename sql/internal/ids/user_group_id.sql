create or replace function internal.user_group_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('UGR-', key) $$;

create or replace function internal.user_group_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('UGR-', id) $$;
