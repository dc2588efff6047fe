-- Sets existing memberships of a wave to Invited and returns them, with the profile that this invitation gives.
-- new_keys: the memberships that this wave created. An Active membership is left unchanged and is not returned. Locks
-- memberships in the common lock order.
--
-- Each table is read by the key found in the one before. A join, planned while the tables are small, would read them
-- whole in nested loops for as long as the plan is cached.
create or replace function internal.invite_again(plan internal.planned_invitation[], wave int, new_keys bigint[])
returns setof accounts.account_user rows 1
language plpgsql
as $$
declare
  v_known record;
begin
  for v_known in
    select member.key, k.actor, k.body
    from (
      select p.account_key, person.key as person_key, p.actor, p.body
      from unnest(plan) as p
      cross join lateral (
        select i.key from accounts.person as i where i.email_key = p.email_key offset 0
      ) as person
      where p.wave = invite_again.wave
      order by p.account_key, person.key
      offset 0
    ) as k
    cross join lateral (
      select u.key
      from accounts.account_user as u
      where u.account_key = k.account_key and u.person_key = k.person_key and u.key <> all (coalesce(new_keys, '{}'))
      for no key update
    ) as member
  loop
    return query
    update accounts.account_user as u
    set status = 'Invited',
        updated_at = now(),
        updated_by = v_known.actor,
        invitation_accepted_at = null,
        joined_at = null,
        email = internal.trim_text(v_known.body #>> '{user,email}'),
        first_name = internal.trim_text(v_known.body #>> '{user,firstName}'),
        last_name = internal.trim_text(v_known.body #>> '{user,lastName}'),
        icon = null,
        phone_prefix = v_known.body #>> '{user,phone,prefix}',
        phone_number = v_known.body #>> '{user,phone,number}',
        culture_code = v_known.body #>> '{user,settings,cultureCode}',
        language_code = v_known.body #>> '{user,settings,languageCode}'
    where u.key = v_known.key and u.status <> 'Active'
    returning u.*;
  end loop;
end
$$;

-- Removes what a new invitation supersedes: groups that it does not name, and the open invitation.
create or replace function internal.forget_invitation(key bigint, user_group_keys bigint[])
returns void
language plpgsql
as $$
begin
  delete from accounts.account_user_group as l
  where l.account_user_key = forget_invitation.key and l.user_group_key <> all (forget_invitation.user_group_keys);
  perform internal.close_invitation(key, 'Superseded');
end
$$;
