-- Copies the person's profile into a membership that is Active, whatever made it so. The first Active membership of a
-- person creates the profile from what its inviter entered.
create or replace function internal.take_profile()
returns trigger
language plpgsql
as $$
begin
  update accounts.person as p
  set accepted_at = now(),
      email = new.email,
      first_name = new.first_name,
      last_name = new.last_name,
      icon = new.icon,
      phone_prefix = new.phone_prefix,
      phone_number = new.phone_number,
      culture_code = new.culture_code,
      language_code = new.language_code
  where p.key = new.person_key and p.accepted_at is null;
  if not found then
    select p.email, p.first_name, p.last_name, p.icon, p.phone_prefix, p.phone_number, p.culture_code, p.language_code
    into new.email, new.first_name, new.last_name, new.icon, new.phone_prefix, new.phone_number, new.culture_code,
      new.language_code
    from accounts.person as p
    where p.key = new.person_key;
  end if;
  return new;
end
$$;
