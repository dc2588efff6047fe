-- Every mistake of an array of strings, in the form of internal.shape_errors.
create or replace function internal.texts_errors(value jsonb, path text)
returns table (field text, message text)
language plpgsql immutable parallel safe
as $$
begin
  if jsonb_typeof(value) <> 'array' then
    return query values (path, 'is not an array');
  elsif jsonb_array_length(value) > 100 then
    return query values (path, 'has more than 100 items');
  else
    return query
      select format('%s[%s]', path, i.position - 1), 'is not a string'
      from jsonb_array_elements(value) with ordinality as i (value, position)
      where jsonb_typeof(i.value) <> 'string';
  end if;
end
$$;
