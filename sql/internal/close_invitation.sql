-- Ends the open invitation of a membership, if there is one.
create or replace function internal.close_invitation(key bigint, status accounts.invitation_status)
returns void
language plpgsql
as $$
begin
  update accounts.invitation as i
  set status = close_invitation.status, closed_at = now()
  where i.account_user_key = close_invitation.key and i.status = 'Open';
end
$$;
