-- Accepts an invitation by its code, which alone authorises it: a code that is right is answered
-- with what became of it, any other the same as if the membership were not there. Nothing but an
-- acceptance changes anything. Said again, the code that was accepted gets the same answer. Only a
-- code that would be accepted now is told that the account is disabled, and stays as good as it is.
create or replace function internal.accept_invitation(kind text, key bigint, code text, trace_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member accounts.account_user;
  v_invitation accounts.invitation;
  v_actor jsonb;
begin
  select * into v_member
  from accounts.account_user as u
  where u.key = accept_invitation.key
  for no key update;

  select * into v_invitation
  from accounts.invitation as i
  where i.account_user_key = accept_invitation.key and i.code_sha256 = sha256(convert_to(code, 'UTF8'));

  if not found then
    return internal.refused(400, 'The code is wrong.', '/problems/wrong-code');
  end if;
  case v_invitation.status
    when 'Revoked' then
      return internal.refused(400, 'The invitation was revoked.', '/problems/invitation-revoked');
    when 'Superseded' then
      return internal.refused(400, 'A newer invitation has taken the place of this one.',
        '/problems/invitation-superseded');
    when 'Expired' then
      return internal.refused(400, 'The invitation has expired.', '/problems/invitation-expired');
    when 'Open' then
      if v_invitation.expires_at <= statement_timestamp() then
        return internal.refused(400, 'The invitation has expired.', '/problems/invitation-expired');
      end if;
      if internal.account_is_disabled(v_member.account_key) then
        return internal.refused(409, 'The account is disabled.');
      end if;

      update accounts.invitation as i
      set status = 'Accepted', closed_at = now()
      where i.key = v_invitation.key;

      update accounts.account_user as u
      set status = 'Active', invitation_accepted_at = now(), joined_at = now()
      where u.key = accept_invitation.key;

      select jsonb_build_object(
        'id', internal.person_id(p.key), 'name', p.first_name || ' ' || p.last_name, 'icon', p.icon)
      into v_actor
      from accounts.account_user as u
      join accounts.person as p on p.key = u.person_key
      where u.key = accept_invitation.key;

      perform internal.change_membership(key, 'account_user.accepted', v_actor, trace_id);
    when 'Accepted' then
      -- Of several that were accepted, memberships having ended in between, the newest one counts.
      if v_member.status <> 'Active' or exists (
        select from accounts.invitation as i
        where i.account_user_key = accept_invitation.key and i.status = 'Accepted' and i.key > v_invitation.key) then
        return internal.refused(400, 'The membership that this code led to has ended.', '/problems/invitation-revoked');
      end if;
  end case;
  return internal.shown(kind, key, null, '');
end
$$;
