-- Sets the existing memberships of a wave to Invited, with the profile, the groups and without the open invitation that
-- they had. new_keys: the memberships that this wave created. An Active membership is left unchanged. Locks memberships
-- in the common lock order.
--
-- Each table is read by the key found in the one before. A join, planned while the tables are small, would read them
-- whole in nested loops for as long as the plan is cached.
create or replace function internal.invite_again(plan internal.planned_invitation[], wave int, new_keys bigint[])
returns void
language plpgsql
as $$
declare
  v_known record;
  v_keys bigint[] := array[]::bigint[];
  v_user_group_keys text[] := array[]::text[];
begin
  for v_known in
    select member.key, k.actor, k.body, k.user_group_keys
    from (
      select p.account_key, person.key as person_key, p.actor, p.body, p.user_group_keys
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
      where u.account_key = k.account_key and u.person_key = k.person_key and u.key <> all (new_keys)
      for no key update
    ) as member
  loop
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
    where u.key = v_known.key and u.status <> 'Active';
    if found then
      v_keys := v_keys || v_known.key;
      v_user_group_keys := v_user_group_keys || v_known.user_group_keys::text;
    end if;
  end loop;

  -- What belongs to the memberships is locked after all of them.
  for v_i in 1 .. cardinality(v_keys) loop
    delete from accounts.account_user_group as l
    where l.account_user_key = v_keys[v_i] and l.user_group_key <> all (v_user_group_keys[v_i]::bigint[]);
    perform internal.close_invitation(v_keys[v_i], 'Superseded');
  end loop;
end
$$;
