-- Closes the open invitation of a membership, if there is one. An invitation past its expiry becomes Expired,
-- whatever closes it; its event is written here unless it exists.
create or replace function internal.close_invitation(key bigint, status accounts.invitation_status)
returns void
language plpgsql
as $$
begin
  with closed as (
    update accounts.invitation as i
    set status = case when i.expires_at <= now() then 'Expired' else close_invitation.status end,
        closed_at = least(i.expires_at, now())
    where i.account_user_key = close_invitation.key and i.status = 'Open'
    returning i.key, i.status
  )
  insert into accounts.outbox (topic, invitation_key, delivery)
  select 'invitation.expired', c.key, null
  from closed as c
  where c.status = 'Expired' and exists (select from accounts.expiry_notice as n where n.kind = 'expired')
  on conflict (invitation_key, topic) where topic in ('invitation.reminder', 'invitation.expired') do nothing;
end
$$;
