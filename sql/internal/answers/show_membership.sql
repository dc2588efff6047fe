-- The verdict of a successful operation on a membership: 200 and the object, as selected by the query.
create or replace function internal.show_membership(kind text, key bigint, code text, query text)
returns internal.verdict
language plpgsql stable
as $$
declare
  v_selected record;
begin
  select s.object, s.errors into v_selected from internal.select_object(kind, key, code, query) as s;
  if v_selected.errors is not null then
    return internal.refuse_invalid(v_selected.errors);
  end if;
  return internal.succeed(200, v_selected.object);
end
$$;
