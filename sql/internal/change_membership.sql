-- What every change of a membership does besides: who changed it and when, an audit record, and an event for those who
-- follow the outbox. An invitation that is sent again is in the outbox as its mail.
create or replace function internal.change_membership(
  key bigint, action text, actor jsonb, trace_id text)
returns void
language plpgsql
as $$
declare
  v_account_key bigint;
begin
  update accounts.account_user as u
  set updated_at = now(), updated_by = actor
  where u.key = change_membership.key
  returning u.account_key into v_account_key;

  insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
  values (action, actor, internal.caller_role(), trace_id, internal.account_user_id(key), v_account_key);

  if action not in ('account_user.invitation_resent', 'account_user.invited_anew') then
    insert into accounts.outbox (topic, invitation_key, delivery)
    select action, i.key, null
    from accounts.invitation as i
    where i.account_user_key = change_membership.key
    order by i.key desc
    limit 1;
  end if;
  perform internal.wake_readers();
end
$$;
