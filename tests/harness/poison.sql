-- Loaded once into the test database, because a trigger cannot be made beside running tests without
-- holding them up: the database fails, in ways that no verdict foresees, on addresses that begin so.
create sequence public.poison_race;
grant usage on sequence public.poison_race to public;

create function public.poison()
returns trigger
language plpgsql
as $$
declare
  v_pair int;
  v_first int;
begin
  if new.email_key like 'poison-%' then
    raise exception 'poisoned';
  elsif new.email_key like 'slow-%' then
    perform pg_sleep(5);
  elsif new.email_key like 'race-%' and nextval('public.poison_race') % 2 = 1 then
    -- Once, with the SQLSTATE that follows, as if another transaction had come first.
    raise exception 'lost a race' using errcode = upper(substr(new.email_key, 6, 5));
  elsif new.email_key like 'deadlock-%' then
    -- Two that differ only in the a and b that follows take the same two locks, each in its own order. The pause is
    -- for the other to take its first.
    v_pair := hashtext(substr(new.email_key, length('deadlock-a-')));
    v_first := case when new.email_key like 'deadlock-a-%' then 1 else 2 end;
    perform pg_advisory_xact_lock(v_pair, v_first);
    perform pg_sleep(0.05);
    perform pg_advisory_xact_lock(v_pair, 3 - v_first);
  end if;
  return new;
end
$$;

create trigger poison before insert on accounts.person for each row execute function public.poison();

-- Deadlocks are looked for early, so that one costs a test less than a second.
do $$
begin
  execute format('alter role accountsd_server in database %I set deadlock_timeout = ''100ms''', current_database());
end
$$;
