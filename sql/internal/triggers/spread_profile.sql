-- Copies a changed profile to the Active memberships of the person: internal.take_profile fills them.
create or replace function internal.spread_profile()
returns trigger
language plpgsql
as $$
begin
  update accounts.account_user as u
  set email = new.email
  where u.key = any (array(
    select m.key
    from accounts.account_user as m
    where m.person_key = new.key and m.status = 'Active'
    order by m.account_key
    for no key update));
  return null;
end
$$;
