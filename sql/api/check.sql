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
'Tells what of the database is not as it should be, a row each: what, detail, and the SQL statement that mends it
(repair; null where somebody has to decide). No row: all is well. Changes nothing and holds up nobody.
what: member_count (kept counts), email_key, email_key_taken, sort_name (what is kept of addresses and names),
invitation_closed, invitation_open, invitation_mail (memberships and their invitations), events (nobody numbers them),
sequence, index, constraint, trigger, collation, database_collation (a library''s upgrade), role, role_setting, grant.
Counts are compared for all accounts, memberships on a sample of pages; whole: all of them. Raises PT401.';

grant execute on function api.check(boolean) to accountsd_dba;
