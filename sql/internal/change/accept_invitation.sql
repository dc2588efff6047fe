-- The person of a membership as an actor.
create or replace function internal.member_actor(member accounts.account_user)
returns jsonb
language sql stable
as $$
  select jsonb_build_object('id', internal.person_id(member.person_key),
    'name', member.first_name || ' ' || member.last_name, 'icon', member.icon)
$$;

-- Accepts an invitation by its code. The code alone authorises the call: a wrong code gets the same response as a
-- membership that does not exist. Accepting again with the accepted code changes nothing and returns the same
-- response. Only a code that could be accepted now reveals that the account is disabled, and it remains valid.
--
-- The person is locked before the membership (see internal.lock_membership), because accepting takes the person's
-- profile or creates it (internal.take_profile).
create or replace function internal.accept_invitation(kind text, key bigint, code text, trace_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member accounts.account_user;
  v_invitation accounts.invitation;
  v_actor jsonb;
begin
  perform from accounts.person as p
  where p.key = (select u.person_key from accounts.account_user as u where u.key = accept_invitation.key)
  for no key update;
  select * into v_member
  from accounts.account_user as u
  where u.key = accept_invitation.key
  for no key update;
  v_invitation := internal.invitation_of_code(key, code);

  case internal.invitation_state(v_member, v_invitation)
    when 'Wrong' then
      return internal.refuse(400, 'The code is wrong.', '/problems/wrong-code');
    when 'Revoked' then
      return internal.refuse(400, 'The invitation was revoked.', '/problems/invitation-revoked');
    when 'Superseded' then
      return internal.refuse(400, 'A newer invitation has taken the place of this one.',
        '/problems/invitation-superseded');
    when 'Expired' then
      return internal.refuse(400, 'The invitation has expired.', '/problems/invitation-expired');
    when 'Disabled' then
      return internal.refuse(409, 'The account is disabled.');
    when 'Ended' then
      return internal.refuse(400, 'The membership that this code led to has ended.', '/problems/invitation-revoked');
    when 'Open' then
      update accounts.invitation as i
      set status = 'Accepted', closed_at = now()
      where i.key = v_invitation.key;

      update accounts.account_user as u
      set status = 'Active', invitation_accepted_at = now(), joined_at = now()
      where u.key = accept_invitation.key
      returning internal.member_actor(u) into v_actor;

      perform internal.change_membership(key, 'account_user.accepted', v_actor, trace_id);
    when 'Accepted' then
      null;
  end case;
  return internal.show_membership(kind, key, null, '');
end
$$;
