create or replace function api.delivery_backlog()
returns table (queued bigint, due bigint, oldest_due_seconds double precision)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select
    (select count(*) from (
      select from accounts.outbox as o where o.delivery = 'Queued' limit 100000) as q),
    (select count(*) from (
      select from accounts.outbox as o
      where o.delivery = 'Queued' and o.due_at <= statement_timestamp() limit 100000) as d),
    coalesce((
      select extract(epoch from statement_timestamp() - min(o.due_at))
      from accounts.outbox as o
      where o.delivery = 'Queued' and o.due_at <= statement_timestamp()), 0)::double precision
$$;

comment on function api.delivery_backlog() is
'The number of mails in the outbox and the number of those that are due, each counted up to 100,000, and how long the
oldest has been due.';

grant execute on function api.delivery_backlog() to accountsd_delivery, accountsd_dba;
