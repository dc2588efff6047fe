-- What every change of a membership has in common: updated_at and updated_by, an audit record, and an event if groups
-- changed. internal.record_status_event writes the event of a status change; an invitation that is sent again has the
-- event of its mail.
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

  if action in ('account_user.group_added', 'account_user.group_taken', 'account_user.groups_replaced') then
    insert into accounts.outbox (topic, account_user_key, delivery) values (action, key, null);
  end if;
  perform internal.notify_listeners();
end
$$;
