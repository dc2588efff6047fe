-- What every change of a membership does besides: who changed it and when, an audit record, and an event of the groups.
-- The change of its status is an event by a trigger (internal.record_status_event); an invitation that is sent again is
-- in the outbox as its mail.
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
