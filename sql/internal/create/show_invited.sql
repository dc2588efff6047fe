-- The objects of those memberships that were just invited by requests of one kind, in its shape and with the url of the
-- invitation. queries: what selects from the object, '' for all of it. position counts the keys from 1; the rows come
-- in no particular order. is_kept: as in internal.build_objects.
create or replace function internal.show_invited(
  kind text, kinds text[], keys bigint[], codes text[], queries text[])
returns table ("position" int, object json, is_kept boolean)
language plpgsql stable
as $$
begin
  return query
  select
    o.position,
    case when queries[o.position] = '' then o.object
      else (internal.select_object(kind, keys[o.position], codes[o.position], queries[o.position])).object end,
    o.is_kept
  from internal.build_objects(kind, keys, codes) as o
  where kinds[o.position] = kind;
end
$$;
