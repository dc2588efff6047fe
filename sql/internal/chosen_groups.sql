-- The groups that a request names (an array of {"id"}) as keys of groups of the account, or
-- the account's default group if it names none. Ids that are no group of the account, whether
-- they are another's or nobody's, are the same mistake. path: where they stand in the request.
create or replace function internal.chosen_groups(account_key bigint, named jsonb, path text default 'groups')
returns table (keys bigint[], errors jsonb)
language sql stable
as $$
  select
    array_agg(g.key),
    jsonb_object_agg(n.path, '["is not a group of this account"]'::jsonb) filter (where g.key is null)
  from (
    select
      internal.user_group_key(i.item ->> 'id') as key,
      format('%s[%s].id', chosen_groups.path, i.position - 1) as path
    from jsonb_array_elements(named) with ordinality as i (item, position)
    where jsonb_typeof(named) = 'array'
  ) as n
  left join accounts.user_group as g on g.key = n.key and g.account_key = chosen_groups.account_key
  where jsonb_typeof(named) = 'array'
  having count(*) > 0
  union all
  select array_agg(g.key),
    case when count(*) = 0 then '{"groups": ["is required: the account has no default group"]}'::jsonb end
  from accounts.user_group as g
  where coalesce(jsonb_typeof(named), 'null') = 'null' and g.account_key = chosen_groups.account_key and g.is_default
  having coalesce(jsonb_typeof(named), 'null') = 'null'
$$;
