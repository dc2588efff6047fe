-- The groups of a membership, 1 to 100 of its account's: add one, replace all, take one. path: where
-- the groups stand in the request, for its errors.

create or replace function internal.add_group(kind text, key bigint, caller internal.caller, group_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member constant accounts.account_user := internal.lock_membership(key);
begin
  if v_member.key is null then
    return internal.missing();
  end if;
  if (
    select count(*) >= 100 and bool_and(l.user_group_key is distinct from internal.user_group_key(group_id))
    from accounts.account_user_group as l
    where l.account_user_key = v_member.key) then
    return internal.invalid('{"id": ["is one more than the 100 groups that a user may have"]}');
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
    return internal.invalid('{"id": ["is not a group of this account"]}');
  end if;
  return internal.shown(kind, key, null, '');
end
$$;

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
    return internal.missing();
  end if;
  v_errors := internal.group_errors(v_member.account_key, groups, path);
  if v_errors is not null then
    return internal.invalid(v_errors);
  end if;
  v_keys := array(select internal.user_group_key(i.item ->> 'id') from jsonb_array_elements(groups) as i (item));

  delete from accounts.account_user_group as l
  where l.account_user_key = v_member.key and l.user_group_key <> all (v_keys);

  insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
  select v_member.key, g.key, v_member.account_key
  from unnest(v_keys) as g (key)
  on conflict (account_user_key, user_group_key) do nothing;

  perform internal.change_membership(key, 'account_user.groups_replaced', caller.actor, caller.trace_id);
  return internal.shown(kind, key, null, '');
end
$$;

create or replace function internal.take_group(key bigint, caller internal.caller, group_id text)
returns internal.verdict
language plpgsql
as $$
declare
  v_member constant accounts.account_user := internal.lock_membership(key);
  v_keys bigint[];
begin
  if v_member.key is null then
    return internal.missing();
  end if;
  v_keys := array(
    select l.user_group_key from accounts.account_user_group as l where l.account_user_key = v_member.key);
  if internal.user_group_key(group_id) <> all (v_keys) is not false then
    return internal.missing();
  end if;
  if cardinality(v_keys) = 1 then
    return internal.refused(400, 'The last group cannot be taken away.', '/problems/last-group');
  end if;

  delete from accounts.account_user_group as l
  where l.account_user_key = v_member.key and l.user_group_key = internal.user_group_key(group_id);
  perform internal.change_membership(key, 'account_user.group_taken', caller.actor, caller.trace_id);
  return internal.done(204);
end
$$;
