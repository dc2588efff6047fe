create or replace function api.schema_version(out version int, out oldest_server int)
language sql stable parallel safe
as $$ select 4, 1 $$;

comment on function api.schema_version() is
'The version of these functions, and the oldest version of accountsd that still works with them. A server of version v
is compatible if oldest_server <= v <= version.';

grant execute on function api.schema_version() to accountsd_server, accountsd_delivery, accountsd_dba;
