-- Public ids. A key k of a table and the digits n of its public id are each other's image under
-- an affine map modulo 10^d, d being the number of digits: n = (k * a + b) mod 10^d with a
-- coprime to 10, and k = (n - b) * a' mod 10^d with a * a' = 1 mod 10^d. So an id needs no
-- lookup, can never collide and tells nothing of how many there are at a glance.
--
-- A key past the digits of its shape has an id with one more group of four digits, by the same rule modulo 10^(d + 4).
--
-- Every function here but those of long ids is a single expression without "strict", so that the planner inlines it.
-- The *_key functions answer null for text of the wrong shape.

-- The id of a key past the ids of 10^d, with digits = d + 4.
create or replace function internal.long_id(prefix text, key bigint, digits int)
returns text
language plpgsql immutable parallel safe
as $$
begin
  return prefix || regexp_replace(
    lpad(mod(key::numeric * 618033988751 + 413471837330, 10::numeric ^ digits)::bigint::text, digits, '0'),
    '([0-9]{4})(?=[0-9])', '\1-', 'g');
end
$$;

create or replace function internal.long_key(prefix text, id text, digits int)
returns bigint
language plpgsql immutable parallel safe
as $$
declare
  c_number constant numeric := replace(substr(id, char_length(prefix) + 1), '-', '')::numeric;
  c_modulus constant numeric := 10::numeric ^ digits;
  -- The inverse of the factor of long_id modulo 10^16, and so modulo less.
  c_key constant numeric := mod((c_number + c_modulus - mod(413471837330, c_modulus)) * 6347037014448751, c_modulus);
begin
  -- A key that has a shorter id has only that one.
  return case when c_key >= 10::numeric ^ (digits - 4) then c_key::bigint end;
end
$$;

-- x * (hi * 10^6 + lo) mod 10^12 without leaving bigint, for x, hi * 10^6 + lo < 10^12.
create or replace function internal.multiply_modulo_1e12(x bigint, hi bigint, lo bigint)
returns bigint
language sql immutable parallel safe
as $$ select mod(mod(x * hi, 1000000000000) * 1000000 + x * lo, 1000000000000) $$;

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

create or replace function internal.account_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('ACC-', key) $$;

create or replace function internal.account_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('ACC-', id) $$;

create or replace function internal.person_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('USR-', key) $$;

create or replace function internal.person_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('USR-', id) $$;

create or replace function internal.user_group_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('UGR-', key) $$;

create or replace function internal.user_group_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('UGR-', id) $$;

create or replace function internal.buyer_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('BUY-', key) $$;

create or replace function internal.buyer_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('BUY-', id) $$;

create or replace function internal.api_token_id(key bigint)
returns text language sql immutable parallel safe
as $$ select internal.id_of_8_digits('TKN-', key) $$;

create or replace function internal.api_token_key(id text)
returns bigint language sql immutable parallel safe
as $$ select internal.key_of_8_digits('TKN-', id) $$;

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
