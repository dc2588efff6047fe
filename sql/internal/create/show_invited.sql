-- The objects of those memberships that were just invited by requests of one kind, in its shape and with the url of the
-- invitation. queries: what selects from the object, '' for all of it. What the groups give is kept for the next
-- invitations into the same groups. position counts the keys from 1; the rows come in no particular order.
create or replace function internal.show_invited(
  kind text, kinds text[], keys bigint[], codes text[], queries text[])
returns table ("position" int, object json)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_shown record;
  v_unkept bigint[] := array[]::bigint[];
begin
  for v_shown in
    select o.position, o.object, o.is_kept from internal.build_objects(kind, keys, codes) as o
  loop
    continue when kinds[v_shown.position] <> kind;
    position := v_shown.position;
    object := case when queries[position] = '' then v_shown.object
      else (internal.select_object(kind, keys[position], codes[position], queries[position])).object end;
    return next;
    if not v_shown.is_kept then
      v_unkept := v_unkept || keys[position];
    end if;
  end loop;
  if v_unkept <> '{}' then
    perform internal.keep_group_members(array(
      select distinct array(
        select l.user_group_key from accounts.account_user_group as l
        where l.account_user_key = k.key
        order by l.user_group_key)::text
      from unnest(v_unkept) as k (key)));
  end if;
end
$$;
