-- A shard of accounts.member_count that only this transaction uses until it ends, so that counts never wait for each
-- other, in whatever order the accounts come. The shard of the backend's pid is tried first and is usually free.
create or replace function internal.member_count_shard()
returns int
language plpgsql
as $$
declare
  v_shard int := pg_backend_pid() % 64;
begin
  while not pg_try_advisory_xact_lock(hashtext('accountsd member count'), v_shard) loop
    v_shard := v_shard + 1;
  end loop;
  return v_shard;
end
$$;

-- Adds to the counts of accounts.
create or replace function internal.add_members(account_keys bigint[], changes bigint[])
returns void
language plpgsql
as $$
declare
  c_shard constant int := internal.member_count_shard();
begin
  insert into accounts.member_count as c (account_key, shard, members)
  select a.account_key, c_shard, a.change
  from unnest(account_keys, changes) as a (account_key, change)
  on conflict (account_key, shard) do update set members = c.members + excluded.members;
end
$$;

-- Keeps accounts.member_count up to date after every statement that changes memberships. An update that does not add
-- or end a membership adds nothing.
create or replace function internal.count_members()
returns trigger
language plpgsql
as $$
declare
  v_account_keys bigint[];
  v_changes bigint[];
begin
  case tg_op
    when 'INSERT' then
      select array_agg(c.account_key), array_agg(c.change) into v_account_keys, v_changes
      from (
        select n.account_key, count(*) as change
        from new_rows as n
        where n.status <> 'Removed'
        group by n.account_key
      ) as c;
    when 'DELETE' then
      select array_agg(c.account_key), array_agg(c.change) into v_account_keys, v_changes
      from (
        select o.account_key, -count(*) as change
        from old_rows as o
        where o.status <> 'Removed'
        group by o.account_key
      ) as c;
    when 'UPDATE' then
      select array_agg(c.account_key), array_agg(c.change) into v_account_keys, v_changes
      from (
        select r.account_key, sum(r.change) as change
        from (
          select n.account_key, 1 as change from new_rows as n where n.status <> 'Removed'
          union all
          select o.account_key, -1 from old_rows as o where o.status <> 'Removed'
        ) as r
        group by r.account_key
        having sum(r.change) <> 0
      ) as c;
    when 'TRUNCATE' then
      delete from accounts.member_count;
  end case;
  if v_account_keys is not null then
    perform internal.add_members(v_account_keys, v_changes);
  end if;
  return null;
end
$$;
