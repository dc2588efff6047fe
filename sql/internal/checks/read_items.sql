-- The array in a field of a request; an empty array if the field is missing.
create or replace function internal.read_items(request jsonb, field text)
returns jsonb
language sql immutable parallel safe
as $$ select coalesce(nullif(request -> field, 'null'), '[]') $$;
