-- Appends one audit record with the calling database role.
create or replace function internal.record_audit(action text, actor jsonb, object_id text, account_key bigint)
returns void
language sql volatile
as $$
  insert into accounts.audit_record (action, actor, database_role, object_id, account_key)
  values (action, actor, internal.caller_role(), object_id, account_key)
$$;
