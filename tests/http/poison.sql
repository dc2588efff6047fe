-- Loaded once into the test database, because a trigger cannot be made beside running tests without
-- holding them up: the database fails, in a way that no verdict foresees, on addresses that begin so.
create function public.poison()
returns trigger
language plpgsql
as $$
begin
  if new.email like 'poison-%' then
    raise exception 'poisoned';
  end if;
  return new;
end
$$;

create trigger poison before insert on accounts.person for each row execute function public.poison();
