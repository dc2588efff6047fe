-- The invitation that a code is of: the one that the API answered, or one of those in its mails. A code is asked about
-- with its member; null fields where there is none.
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

-- What has become of an invitation at this moment, as the holder of its code may know it: 'Wrong' (there is none),
-- 'Open', 'Expired', 'Superseded', 'Revoked', 'Disabled' (open, but the account is disabled), 'Accepted', or 'Ended':
-- accepted, but the membership that it led to is over.
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
  -- Of several that were accepted, memberships having ended in between, the newest one counts.
  elsif invitation.status = 'Accepted' and (member.status <> 'Active' or exists (
    select
    from accounts.invitation as i
    where i.account_user_key = member.key and i.status = 'Accepted' and i.key > invitation.key)) then
    return 'Ended';
  end if;
  return invitation.status;
end
$$;
