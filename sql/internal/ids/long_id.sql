-- Public ids. The digits n of a public id are an affine map of the key k modulo 10^d, where d is the number of
-- digits: n = (k * a + b) mod 10^d with a coprime to 10, and k = (n - b) * a' mod 10^d with a * a' = 1 mod 10^d. So
-- an id needs no look-up, cannot collide and does not show at a glance how many rows there are.
--
-- A key of 10^d or more has an id with one more group of four digits, by the same rule modulo 10^(d + 4).
--
-- Every function here except those for long ids is a single expression without "strict", so that the planner inlines
-- it. The *_key functions return null for text of another form.

-- The id of a key of 10^d or more, where digits = d + 4.
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
  -- The inverse of long_id's factor modulo 10^16, and therefore modulo any smaller power of ten.
  c_key constant numeric := mod((c_number + c_modulus - mod(413471837330, c_modulus)) * 6347037014448751, c_modulus);
begin
  -- A smaller key has a shorter id, and no other.
  return case when c_key >= 10::numeric ^ (digits - 4) then c_key::bigint end;
end
$$;
