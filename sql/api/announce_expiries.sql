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
'Puts into the outbox what api.configure has switched on: a reminder for invitations that expire soon
(invitation.reminder), an event for those that have expired (invitation.expiredEvent); one each an invitation, and at
most max_count of a kind a call. Returns how many; accountsd deliver calls it. Raises PT400.';

grant execute on function api.announce_expiries(int) to accountsd_delivery, accountsd_dba;
