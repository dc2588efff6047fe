-- What is wrong with the groups that a request names (an array of {"id"}; null for the account's default group); null
-- if nothing is. An id of another account's group and one of no group are the same mistake. path: the path of the
-- array.
create or replace function internal.group_errors(account_key bigint, named jsonb, path text)
returns jsonb
language plpgsql stable
as $$
begin
  if named is not null then
    return (
      select jsonb_object_agg(format('%s[%s].id', path, i.position - 1), '["is not a group of this account"]'::jsonb)
      from jsonb_array_elements(named) with ordinality as i (item, position)
      where not exists (
        select from accounts.user_group as g
        where g.key = internal.user_group_key(i.item ->> 'id') and g.account_key = group_errors.account_key));
  elsif not exists (
    select from accounts.user_group as g where g.account_key = group_errors.account_key and g.is_default) then
    return jsonb_build_object(path, '["is required: the account has no default group"]'::jsonb);
  end if;
  return null;
end
$$;
