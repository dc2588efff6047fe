-- Ends the open invitation of a membership, if there is one. One whose time was up has expired by then,
-- whatever ends it now.
create or replace function internal.close_invitation(key bigint, status accounts.invitation_status)
returns void
language plpgsql
as $$
begin
  update accounts.invitation as i
  set status = case when i.expires_at <= now() then 'Expired' else close_invitation.status end,
      closed_at = least(i.expires_at, now())
  where i.account_user_key = close_invitation.key and i.status = 'Open';
end
$$;
