-- Makes Invited again those of a wave's memberships that were there before (new_keys are those that were not), and
-- returns them; one that is Active stays as it is and is not returned. Locks them in the order of all sets.
create or replace function internal.invited_again(plan internal.planned_invitation[], wave int, new_keys bigint[])
returns setof accounts.account_user rows 1
language plpgsql
as $$
begin
  return query
  update accounts.account_user as u
  set status = 'Invited',
      updated_at = now(),
      updated_by = known.actor,
      invitation_accepted_at = null,
      joined_at = null
  from (
    select member.key, p.actor
    from unnest(plan) as p
    join accounts.person as person on person.email_key = p.email_key
    join accounts.account_user as member on member.account_key = p.account_key and member.person_key = person.key
    where p.wave = invited_again.wave and member.key <> all (coalesce(new_keys, '{}'))
    order by member.account_key, member.person_key
    for no key update of member
  ) as known
  where u.key = known.key and u.status <> 'Active'
  returning u.*;
end
$$;

-- What a re-invite takes away from a membership: groups that are not among those given now, and the code of before.
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
