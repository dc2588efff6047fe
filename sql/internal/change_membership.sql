-- What every change of a membership does besides: who changed it and when, and an audit record.
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
end
$$;
