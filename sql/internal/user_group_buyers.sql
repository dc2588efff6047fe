-- The buyers that a group reaches: those of its list, or all of its account.
create or replace function internal.user_group_buyers(user_group_key bigint)
returns table (buyer_key bigint)
language sql stable
as $$
  select gb.buyer_key
  from accounts.user_group_buyer as gb
  where gb.user_group_key = user_group_buyers.user_group_key
  union all
  select b.key
  from accounts.user_group as g
  join accounts.buyer as b on b.account_key = g.account_key
  where g.key = user_group_buyers.user_group_key and g.has_all_buyers
$$;
