-- Keeps accounts.member_count, after every statement that changes memberships. Accounts in order, so that statements
-- that meet in a shard wait for each other and do not deadlock. The update of a row that stays a member counts for
-- nothing.
create or replace function internal.count_members()
returns trigger
language plpgsql
as $$
begin
  case tg_op
    when 'INSERT' then
      insert into accounts.member_count as c (account_key, shard, members)
      select n.account_key, pg_backend_pid() % 64, count(*)
      from new_rows as n
      where n.status <> 'Removed'
      group by n.account_key
      order by n.account_key
      on conflict (account_key, shard) do update set members = c.members + excluded.members;
    when 'DELETE' then
      insert into accounts.member_count as c (account_key, shard, members)
      select o.account_key, pg_backend_pid() % 64, -count(*)
      from old_rows as o
      where o.status <> 'Removed'
      group by o.account_key
      order by o.account_key
      on conflict (account_key, shard) do update set members = c.members + excluded.members;
    when 'UPDATE' then
      insert into accounts.member_count as c (account_key, shard, members)
      select r.account_key, pg_backend_pid() % 64, sum(r.change)
      from (
        select n.account_key, 1 as change from new_rows as n where n.status <> 'Removed'
        union all
        select o.account_key, -1 from old_rows as o where o.status <> 'Removed'
      ) as r
      group by r.account_key
      having sum(r.change) <> 0
      order by r.account_key
      on conflict (account_key, shard) do update set members = c.members + excluded.members;
    when 'TRUNCATE' then
      delete from accounts.member_count;
  end case;
  return null;
end
$$;
