create or replace function internal.module_id(key bigint)
returns text language sql immutable parallel safe
as $$
  select case when key < 10000 then 'MOD-' || lpad(mod(key * 4217 + 1756, 10000)::text, 4, '0')
    else internal.long_id('MOD-', key, 8)
  end
$$;

create or replace function internal.module_key(id text)
returns bigint language sql immutable parallel safe
as $$
  select case
    when id ~ '^MOD-[0-9]{4}$' then mod((substr(id, 5)::bigint + 10000 - 1756) * 4553, 10000)
    when id ~ '^MOD-[0-9]{4}-[0-9]{4}$' then internal.long_key('MOD-', id, 8)
  end
$$;
