create or replace function api.check(whole boolean default false)
returns table (what text, detail text, repair text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform internal.require_actor();
  return query
  select c.what, c.detail, c.repair from internal.check_memberships(coalesce(whole, false)) as c
  union all
  select c.what, c.detail, c.repair from internal.check_catalogue() as c
  order by 1, 2;
end
$$;

comment on function api.check(boolean) is
'Reports what is wrong in the database, one row each: what, detail, and repair, the SQL statement that repairs it (null
if a person has to decide). No rows: nothing is wrong. Changes nothing and blocks nobody.
what: member_count (counts of members), email_key, email_key_taken, sort_name (stored keys of addresses and names),
invitation_closed, invitation_open, invitation_mail (memberships and their invitations), events (not being numbered),
sequence, index, constraint, trigger, collation, database_collation (a library was upgraded), role, role_setting, grant.
Counts are compared for all accounts; memberships are checked on a sample of pages, or all if whole. Raises PT401.';

grant execute on function api.check(boolean) to accountsd_dba;
