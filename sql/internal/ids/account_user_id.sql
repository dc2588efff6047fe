-- x * (hi * 10^6 + lo) mod 10^12 within the range of bigint, for x, hi * 10^6 + lo < 10^12.
create or replace function internal.multiply_modulo_1e12(x bigint, hi bigint, lo bigint)
returns bigint
language sql immutable parallel safe
as $$ select mod(mod(x * hi, 1000000000000) * 1000000 + x * lo, 1000000000000) $$;

create or replace function internal.account_user_id(key bigint)
returns text language sql immutable parallel safe
as $$
  select case when key < 1000000000000
    then 'AUSR-' || overlay(overlay(
      lpad(mod(internal.multiply_modulo_1e12(key, 618033, 988751) + 413471837330, 1000000000000)::text, 12, '0')
      placing '-' from 9 for 0) placing '-' from 5 for 0)
    else internal.long_id('AUSR-', key, 16)
  end
$$;

create or replace function internal.account_user_key(id text)
returns bigint language sql immutable parallel safe
as $$
  select case
    when id ~ '^AUSR-[0-9]{4}-[0-9]{4}-[0-9]{4}$'
      then internal.multiply_modulo_1e12(
        mod(replace(substr(id, 6), '-', '')::bigint + 1000000000000 - 413471837330, 1000000000000), 37014, 448751)
    when id ~ '^AUSR-[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}$' then internal.long_key('AUSR-', id, 16)
  end
$$;
