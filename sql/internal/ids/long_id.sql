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
