-- A JSON value without the omitted paths. path: the path of value itself, with a final dot.
create or replace function internal.prune(value json, omitted text[], path text)
returns json
language plpgsql stable
as $$
begin
  if not exists (select from unnest(omitted) as o (path) where starts_with(o.path, prune.path)) then
    return value;
  elsif json_typeof(value) = 'array' then
    return (
      select coalesce(json_agg(internal.prune(i.item, omitted, path) order by i.position), '[]')
      from json_array_elements(value) with ordinality as i (item, position));
  elsif json_typeof(value) <> 'object' then
    return value;
  end if;
  return (
    select coalesce(
      json_object_agg(m.name, internal.prune(m.value, omitted, path || m.name || '.') order by m.position), '{}')
    from json_each(value) with ordinality as m (name, value, position)
    where path || m.name <> all (omitted));
end
$$;
