-- Every mistake of an array of objects of a shape, in the form of internal.shape_errors: the array is empty or too
-- long, an item has a mistake, an id occurs twice. path: the path of the array, '' for the request itself.
create or replace function internal.array_errors(value jsonb, shape text, path text default '')
returns table (field text, message text)
language plpgsql immutable parallel safe
as $$
declare
  c_max_items constant int := 100;
  v_path constant text := case when path = '' then '$' else path end;
  v_item record;
begin
  if jsonb_typeof(value) <> 'array' then
    return query values (v_path, 'is not an array');
  elsif value = '[]' then
    return query values (v_path, 'is empty');
  elsif jsonb_array_length(value) > c_max_items then
    return query values (v_path, 'has more than 100 items');
  else
    for v_item in
      select i.value, format('%s[%s]', path, i.position - 1) as path,
        count(*) over (partition by i.value -> 'id' order by i.position) > 1 as is_repeated
      from jsonb_array_elements(value) with ordinality as i (value, position)
      order by i.position
    loop
      return query select * from internal.shape_errors(v_item.value, shape, v_item.path);
      if v_item.is_repeated and jsonb_typeof(v_item.value -> 'id') = 'string' then
        return query values (v_item.path || '.id', 'is given more than once');
      end if;
    end loop;
  end if;
end
$$;
