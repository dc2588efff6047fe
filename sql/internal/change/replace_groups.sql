create or replace function internal.replace_groups(
  kind text, key bigint, caller internal.caller, groups jsonb, path text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member constant accounts.account_user := internal.lock_membership(key);
  v_errors jsonb;
  v_keys bigint[];
begin
  if v_member.key is null then
    return internal.refuse_missing();
  end if;
  v_errors := internal.group_errors(v_member.account_key, groups, path);
  if v_errors is not null then
    return internal.refuse_invalid(v_errors);
  end if;
  v_keys := array(select internal.user_group_key(i.item ->> 'id') from jsonb_array_elements(groups) as i (item));

  delete from accounts.account_user_group as l
  where l.account_user_key = v_member.key and l.user_group_key <> all (v_keys);

  insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
  select v_member.key, g.key, v_member.account_key
  from unnest(v_keys) as g (key)
  on conflict (account_user_key, user_group_key) do nothing;

  perform internal.change_membership(key, 'account_user.groups_replaced', caller.actor, caller.trace_id);
  return internal.show_membership(kind, key, null, '');
end
$$;
