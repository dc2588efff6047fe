-- The state of an invitation for the holder of its code; 'Wrong' for any other code. Changes nothing.
create or replace function internal.show_invitation(key bigint, code text)
returns internal.verdict
language plpgsql stable
as $$
declare
  c_invitation constant accounts.invitation := internal.invitation_of_code(key, code);
  v_member accounts.account_user;
  v_state text;
begin
  if c_invitation.key is null then
    return internal.succeed(200, '{"state" : "Wrong"}');
  end if;
  select * into v_member from accounts.account_user as u where u.key = show_invitation.key;
  v_state := internal.invitation_state(v_member, c_invitation);
  return internal.succeed(200, (
    select json_build_object(
      'state', case v_state when 'Ended' then 'Revoked' else v_state end,
      'account', json_build_object('id', internal.account_id(a.key), 'name', a.name),
      'user', json_build_object('name', v_member.first_name || ' ' || v_member.last_name),
      'inviter', internal.inviter_name(c_invitation.invited_by),
      'expiresAt', internal.timestamp_text(c_invitation.expires_at))
    from accounts.account as a
    where a.key = v_member.account_key));
end
$$;
