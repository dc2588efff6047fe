-- Writes an event when a membership becomes Active or Removed, whatever changed it and with or without an invitation.
-- A membership that is invited again has the event of its mail.
create or replace function internal.record_status_event()
returns trigger
language plpgsql
as $$
begin
  insert into accounts.outbox (topic, account_user_key, delivery)
  values (case new.status when 'Active' then 'account_user.accepted' else 'account_user.removed' end, new.key, null);
  perform internal.notify_listeners();
  return null;
end
$$;
