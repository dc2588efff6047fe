create or replace function api.number_events(max_count int default 1000)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (max_count between 1 and 10000) is not true then
    perform internal.raise_problem(400, 'max_count is not 1 to 10000.');
  end if;
  return internal.number_events(max_count);
end
$$;

comment on function api.number_events(int) is
'Assigns positions to events that have none, at most max_count, so that api.read_events returns them, and sends NOTIFY
accountsd_events if there were any. Returns how many. Called by accountsd deliver. Call it in its own transaction: until
that ends, no other call numbers events. If there is nothing to number, it writes nothing. Raises PT400.';

grant execute on function api.number_events(int) to accountsd_delivery, accountsd_dba;
