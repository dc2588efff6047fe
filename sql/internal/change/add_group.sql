-- Adds a group to a membership, which may have 1 to 100 groups of its account.

create or replace function internal.add_group(kind text, key bigint, caller internal.caller, group_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member constant accounts.account_user := internal.lock_membership(key);
begin
  if v_member.key is null then
    return internal.refuse_missing();
  end if;
  if (
    select count(*) >= 100 and bool_and(l.user_group_key is distinct from internal.user_group_key(group_id))
    from accounts.account_user_group as l
    where l.account_user_key = v_member.key) then
    return internal.refuse_invalid('{"id": ["is one more than the 100 groups that a user may have"]}');
  end if;

  insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
  select v_member.key, g.key, g.account_key
  from accounts.user_group as g
  where g.key = internal.user_group_key(group_id) and g.account_key = v_member.account_key
  on conflict (account_user_key, user_group_key) do nothing;
  if found then
    perform internal.change_membership(key, 'account_user.group_added', caller.actor, caller.trace_id);
  elsif not exists (
    select from accounts.user_group as g
    where g.key = internal.user_group_key(group_id) and g.account_key = v_member.account_key) then
    return internal.refuse_invalid('{"id": ["is not a group of this account"]}');
  end if;
  return internal.show_membership(kind, key, null, '');
end
$$;
