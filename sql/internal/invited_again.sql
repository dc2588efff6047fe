-- Makes Invited again those of a wave's memberships that were there before (new_keys are those that were not), and
-- returns them; one that is Active stays as it is and is not returned. Locks them in the order of all sets.
--
-- Found by their people, who have few memberships each: "+ 0" keeps the planner, who may know nothing of the tables
-- yet, from an index of the members of an account, who are many.
create or replace function internal.invited_again(plan internal.planned_invitation[], wave int, new_keys bigint[])
returns setof accounts.account_user rows 1
language plpgsql
as $$
declare
  v_keys bigint[];
  v_actors jsonb[];
begin
  select array_agg(k.key), array_agg(k.actor) into v_keys, v_actors
  from (
    select member.key, p.actor
    from unnest(plan) as p
    join accounts.person as person on person.email_key = p.email_key
    join accounts.account_user as member
      on member.person_key = person.key and member.account_key + 0 = p.account_key
    where p.wave = invited_again.wave and member.key <> all (coalesce(new_keys, '{}'))
    order by p.account_key, person.key
    for no key update of member
  ) as k;

  return query
  update accounts.account_user as u
  set status = 'Invited',
      updated_at = now(),
      updated_by = v_actors[array_position(v_keys, u.key)],
      invitation_accepted_at = null,
      joined_at = null
  where u.key = any (v_keys) and u.status <> 'Active'
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
