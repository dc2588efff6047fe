-- Whether a text has a non-ASCII character that is in a set, or (is_member false) one that is not.
create or replace function internal.has_character(value text, characters int4multirange, is_member boolean default true)
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  v_character text;
begin
  if octet_length(value) = char_length(value) then
    return false;
  end if;
  foreach v_character in array string_to_array(regexp_replace(value, '[\u0001-\u007f]+', '', 'g'), null) loop
    if (characters @> ascii(v_character)) = is_member then
      return true;
    end if;
  end loop;
  return false;
end
$$;

-- Whether a text has no visible character.
create or replace function internal.is_blank(value text)
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  v_character text;
begin
  foreach v_character in array string_to_array(value, null) loop
    if not internal.blank() @> ascii(v_character) then
      return false;
    end if;
  end loop;
  return true;
end
$$;

-- A text in NFC with simple case folding of each character; Σ, σ and ς are equal. It never turns a non-ASCII
-- character into an ASCII one.
create or replace function internal.fold_case(value text)
returns text
language sql immutable parallel safe
as $$
  select normalize(coalesce(string_agg(coalesce(internal.case_folds() ->> c.character, c.character), ''
    order by c.position), ''), nfc)
  from string_to_table(normalize(value, nfc), null) with ordinality as c (character, position)
$$;
