-- The value of a membership's sort_name: the name in upper case, folded character by character, so that one index
-- serves comparisons with and without case, prefixes and order.
create or replace function internal.sort_name(first_name text, last_name text)
returns text
language sql immutable parallel safe
as $$
  select upper((first_name || ' ' || last_name) collate "und-x-icu") collate "C"
$$;
