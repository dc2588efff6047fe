-- What a membership's sort_name holds: the name in upper case, which folds a text character by character, so that an
-- index serves names compared with and without case, prefixes and order.
create or replace function internal.sort_name(first_name text, last_name text)
returns text
language sql immutable parallel safe
as $$
  select upper((first_name || ' ' || last_name) collate "und-x-icu") collate "C"
$$;
