-- The repairs of api.repair, one function each; each returns the number of rows that it has repaired.

-- Adds the difference to the counts instead of replacing them. This is correct with concurrent changes, since each of
-- those changes memberships and counts in one transaction.
create or replace function internal.repair_member_count()
returns bigint
language plpgsql
as $$
declare
  v_account_keys bigint[];
  v_changes bigint[];
begin
  select array_agg(d.account_key), array_agg(d.change) into v_account_keys, v_changes
  from (
    select c.account_key, sum(c.change) as change
    from (
      select u.account_key, count(*) as change from accounts.account_user as u where u.status <> 'Removed' group by 1
      union all
      select m.account_key, -sum(m.members) from accounts.member_count as m group by 1
    ) as c
    group by c.account_key
    having sum(c.change) <> 0
  ) as d;
  if v_account_keys is null then
    return 0;
  end if;
  perform set_config('accountsd.counts_members', 'on', true);
  perform internal.add_members(v_account_keys, v_changes);
  perform set_config('accountsd.counts_members', 'off', true);
  return cardinality(v_account_keys);
end
$$;

-- For people whose memberships agree on another key, which no other person has.
create or replace function internal.repair_email_key()
returns bigint
language plpgsql
as $$
declare
  v_count bigint;
begin
  update accounts.person as p
  set email_key = d.email_key
  from (
    select u.person_key, min(internal.email_key(u.email)) as email_key
    from accounts.account_user as u
    group by u.person_key
    having min(internal.email_key(u.email)) = max(internal.email_key(u.email))
  ) as d
  where p.key = d.person_key and p.email_key <> d.email_key
    and not exists (select from accounts.person as o where o.email_key = d.email_key);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- Memberships are locked in the common lock order.
create or replace function internal.repair_sort_name()
returns bigint
language plpgsql
as $$
declare
  v_count bigint;
begin
  perform
  from accounts.account_user as u
  where u.sort_name <> internal.sort_name(u.first_name, u.last_name)
  order by u.account_key, u.person_key
  for no key update;
  update accounts.account_user as u
  set first_name = u.first_name
  where u.sort_name <> internal.sort_name(u.first_name, u.last_name);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

create or replace function internal.repair_invitation_open()
returns bigint
language plpgsql
as $$
declare
  v_member record;
  v_count bigint := 0;
begin
  for v_member in
    select u.key, u.status
    from accounts.account_user as u
    where u.status <> 'Invited'
      and exists (select from accounts.invitation as i where i.account_user_key = u.key and i.status = 'Open')
    order by u.account_key, u.person_key
    for no key update
  loop
    perform internal.close_invitation(v_member.key,
      case v_member.status when 'Removed' then 'Revoked'::accounts.invitation_status else 'Superseded' end);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

create or replace function internal.repair_sequence()
returns bigint
language sql volatile
as $$
  select count(setval(s.sequence, s.last_key)) from internal.late_sequences() as s
$$;
