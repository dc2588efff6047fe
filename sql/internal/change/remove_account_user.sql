-- Removes a membership and revokes its open invitation. The person and the history stay.
create or replace function internal.remove_account_user(key bigint, caller internal.caller)
returns internal.verdict
language plpgsql
as $$
begin
  if (internal.lock_membership(key)).key is null then
    return internal.refuse_missing();
  end if;
  perform internal.close_invitation(key, 'Revoked');
  update accounts.account_user as u set status = 'Removed' where u.key = remove_account_user.key;
  perform internal.change_membership(key, 'account_user.removed', caller.actor, caller.trace_id);
  return internal.succeed(204);
end
$$;
