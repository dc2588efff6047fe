create or replace function internal.id_of_8_digits(prefix text, key bigint)
returns text
language sql immutable parallel safe
as $$
  select case when key < 100000000
    then prefix || overlay(lpad(mod(key * 53617829 + 16710642, 100000000)::text, 8, '0') placing '-' from 5 for 0)
    else internal.long_id(prefix, key, 12)
  end
$$;

create or replace function internal.key_of_8_digits(prefix text, id text)
returns bigint
language sql immutable parallel safe
as $$
  select case
    when id ~ ('^' || prefix || '[0-9]{4}-[0-9]{4}$')
      then mod((replace(substr(id, 5), '-', '')::bigint + 100000000 - 16710642) * 64276269, 100000000)
    when id ~ ('^' || prefix || '[0-9]{4}-[0-9]{4}-[0-9]{4}$') then internal.long_key(prefix, id, 12)
  end
$$;
