-- The invitation of a membership that a code belongs to: the code that the API returned, or one from its mails. All
-- fields are null if there is none.
create or replace function internal.invitation_of_code(account_user_key bigint, code text)
returns accounts.invitation
language plpgsql stable
as $$
declare
  c_sha256 constant bytea := sha256(convert_to(code, 'UTF8'));
  v_invitation accounts.invitation;
begin
  select * into v_invitation
  from accounts.invitation as i
  where i.account_user_key = invitation_of_code.account_user_key
    and (i.code_sha256 = c_sha256 or c_sha256 = any (i.mail_code_sha256s));
  return v_invitation;
end
$$;

-- The current state of an invitation, as shown to the holder of its code: 'Wrong' (no such invitation), 'Open',
-- 'Expired', 'Superseded', 'Revoked', 'Disabled' (open, but the account is disabled), 'Accepted', or 'Ended'
-- (accepted, but the membership has ended since).
create or replace function internal.invitation_state(member accounts.account_user, invitation accounts.invitation)
returns text
language plpgsql stable
as $$
begin
  if invitation.key is null then
    return 'Wrong';
  elsif invitation.status = 'Open' and invitation.expires_at <= statement_timestamp() then
    return 'Expired';
  elsif invitation.status = 'Open' and internal.account_is_disabled(member.account_key) then
    return 'Disabled';
  -- If several were accepted, because the membership ended in between, only the newest one is in force.
  elsif invitation.status = 'Accepted' and (member.status <> 'Active' or exists (
    select
    from accounts.invitation as i
    where i.account_user_key = member.key and i.status = 'Accepted' and i.key > invitation.key)) then
    return 'Ended';
  end if;
  return invitation.status;
end
$$;
