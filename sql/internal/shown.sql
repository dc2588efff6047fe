-- The verdict that shows a membership: 200 and its object, as far as the query selects it.
create or replace function internal.shown(kind text, key bigint, code text, query text)
returns internal.verdict
language plpgsql stable
as $$
declare
  v_selected record;
begin
  select s.object, s.errors into v_selected from internal.selected_object(kind, key, code, query) as s;
  if v_selected.errors is not null then
    return internal.invalid(v_selected.errors);
  end if;
  return internal.done(200, v_selected.object);
end
$$;
