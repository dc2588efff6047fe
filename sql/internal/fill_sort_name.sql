-- A membership that is inserted without its person's sort_name gets it; the foreign key keeps it right.
create or replace function internal.fill_sort_name()
returns trigger
language plpgsql
as $$
begin
  new.sort_name := (select p.sort_name from accounts.person as p where p.key = new.person_key);
  return new;
end
$$;
