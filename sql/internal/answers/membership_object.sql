-- The object of a membership, in each shape, with the url of its invitation and without: SQL functions, which the
-- planner inlines into the statement that calls them. They are made from internal.object_members, so that lists, which
-- leave members out, give the same objects.
--
--   internal.account_user_object(u, a, invitation_status, given)
--   internal.user_object(the same)
--   internal.account_user_object(the same, url)
--   internal.user_object(the same, url)
do $$
declare
  v_function record;
begin
  for v_function in
    select s.kind, u.parameter, u.omitted
    from (values ('account_user'), ('user')) as s (kind)
    cross join (values ('', array['invitation.url']), (', url text', array[]::text[])) as u (parameter, omitted)
  loop
    execute format(
      'create or replace function internal.%s_object(
        u accounts.account_user, a accounts.account, invitation_status text, given internal.given_members%s)
      returns json language sql stable parallel safe as %L',
      v_function.kind, v_function.parameter,
      'select ' || internal.object_sql(v_function.kind, v_function.omitted));
  end loop;
end
$$;
