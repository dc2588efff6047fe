create or replace function api.announce_expiries(max_count int default 1000)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (max_count between 1 and 10000) is not true then
    perform internal.raise_problem(400, 'max_count is not 1 to 10000.');
  end if;
  return internal.announce_expiries('reminder', max_count) + internal.announce_expiries('expired', max_count);
end
$$;

comment on function api.announce_expiries(int) is
'Writes the notices that api.configure has switched on to the outbox: a reminder for each invitation that expires soon
(invitation.reminder), an event for each that has expired (invitation.expiredEvent); at most max_count of a kind in one
call. Returns how many. Called by accountsd deliver. Raises PT400.';

grant execute on function api.announce_expiries(int) to accountsd_delivery, accountsd_dba;
