create or replace function internal.take_group(key bigint, caller internal.caller, group_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member constant accounts.account_user := internal.lock_membership(key);
  v_keys bigint[];
begin
  if v_member.key is null then
    return internal.refuse_missing();
  end if;
  v_keys := array(
    select l.user_group_key from accounts.account_user_group as l where l.account_user_key = v_member.key);
  if internal.user_group_key(group_id) <> all (v_keys) is not false then
    return internal.refuse_missing();
  end if;
  if cardinality(v_keys) = 1 then
    return internal.refuse(400, 'The last group cannot be taken away.', '/problems/last-group');
  end if;

  delete from accounts.account_user_group as l
  where l.account_user_key = v_member.key and l.user_group_key = internal.user_group_key(group_id);
  perform internal.change_membership(key, 'account_user.group_taken', caller.actor, caller.trace_id);
  return internal.succeed(204);
end
$$;
