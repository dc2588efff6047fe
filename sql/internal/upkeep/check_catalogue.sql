-- api.check for everything but the rows of tables.

-- Identity columns whose sequence is behind the existing keys, as after a restore of the rows alone.
create or replace function internal.late_sequences()
returns table (sequence regclass, last_key bigint)
language plpgsql stable
as $$
declare
  v_column record;
  v_next bigint;
begin
  for v_column in
    select a.attrelid::regclass as relation, a.attname as name,
      pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass as sequence
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    where c.relnamespace = 'accounts'::regnamespace and a.attidentity <> ''
    order by c.relname
  loop
    execute format('select max(%I) from %s', v_column.name, v_column.relation) into last_key;
    execute format('select last_value + is_called::int from %s', v_column.sequence) into v_next;
    if last_key >= v_next then
      sequence := v_column.sequence;
      return next;
    end if;
  end loop;
end
$$;

create or replace function internal.check_catalogue()
returns table (what text, detail text, repair text)
language sql stable
as $$
  select 'sequence', format('%s is behind key %s', s.sequence, s.last_key), 'select api.repair(''sequence'')'
  from internal.late_sequences() as s

  union all
  select 'index', format('%s is not valid', i.indexrelid::regclass), format('reindex index %s', i.indexrelid::regclass)
  from pg_index as i
  join pg_class as c on c.oid = i.indrelid
  where c.relnamespace = 'accounts'::regnamespace and not i.indisvalid

  union all
  select 'constraint', format('%s of %s is not validated', c.conname, c.conrelid::regclass),
    format('alter table %s validate constraint %I', c.conrelid::regclass, c.conname)
  from pg_constraint as c
  where c.connamespace = 'accounts'::regnamespace and not c.convalidated

  union all
  select 'trigger', format('%s of %s is disabled', t.tgname, t.tgrelid::regclass),
    format('alter table %s enable trigger %I', t.tgrelid::regclass, t.tgname)
  from pg_trigger as t
  join pg_class as c on c.oid = t.tgrelid
  where c.relnamespace = 'accounts'::regnamespace and t.tgenabled <> 'O'

  -- Names are folded with this collation. Indexes compare bytes, which no library affects.
  union all
  select 'collation', format('%s was of version %s and is of %s now', c.oid::regcollation, c.collversion,
      pg_collation_actual_version(c.oid)),
    format('select api.repair(''sort_name''); alter collation %s refresh version', c.oid::regcollation)
  from pg_collation as c
  where c.oid = 'pg_catalog."und-x-icu"'::regcollation
    and c.collversion <> pg_collation_actual_version(c.oid)

  union all
  select 'database_collation', format('the database was of version %s and is of %s now', d.datcollversion,
      pg_database_collation_actual_version(d.oid)),
    format('alter database %I refresh collation version', d.datname)
  from pg_database as d
  where d.datname = current_database()
    and d.datcollversion <> pg_database_collation_actual_version(d.oid)

  union all
  select 'role', format('there is no role %s', r.name), format('create role %I %s', r.name, r.kind)
  from (values
    ('accountsd_server', 'login'), ('accountsd_delivery', 'login'), ('accountsd_consumer', 'nologin'),
    ('accountsd_dba', 'nologin')
  ) as r (name, kind)
  where to_regrole(r.name) is null

  union all
  select 'role_setting', format('%s has no %s in this database', r.rolname, s.name),
    format('alter role %I in database %I set %I = %L', r.rolname, current_database(), s.name, s.value)
  from pg_roles as r
  cross join (values
    ('statement_timeout', '8s'), ('lock_timeout', '2s'), ('idle_in_transaction_session_timeout', '10s'),
    ('client_connection_check_interval', '1s')
  ) as s (name, value)
  where r.rolname in ('accountsd_server', 'accountsd_delivery')
    and not exists (
      select
      from pg_db_role_setting as d
      cross join lateral unnest(d.setconfig) as known (setting)
      where d.setrole = r.oid
        and d.setdatabase in (0, (select i.oid from pg_database as i where i.datname = current_database()))
        and known.setting like s.name || '=%')

  union all
  select 'grant', format('%s may not use schema %s', r.rolname, g.schema),
    format('grant usage on schema %I to %I', g.schema, r.rolname)
  from (values
    ('accountsd_server', 'api'), ('accountsd_delivery', 'api'), ('accountsd_consumer', 'api'), ('accountsd_dba', 'api'),
    ('accountsd_dba', 'accounts')
  ) as g (role, schema)
  join pg_roles as r on r.rolname = g.role
  where not has_schema_privilege(r.oid, g.schema, 'usage')

  union all
  select 'grant', format('%s may not execute %s', r.rolname, p.oid::regprocedure),
    format('grant execute on function %s to %I', p.oid::regprocedure, r.rolname)
  from pg_proc as p
  join pg_roles as r on case r.rolname
    when 'accountsd_dba' then true
    when 'accountsd_server' then p.proname in ('serve', 'create_account_users', 'schema_version')
    when 'accountsd_delivery' then p.proname in ('claim_deliveries', 'complete_deliveries', 'delivery_backlog',
      'announce_expiries', 'number_events', 'key_space', 'schema_version')
    when 'accountsd_consumer' then p.proname = 'read_events'
    else false
  end
  where p.pronamespace = 'api'::regnamespace and not has_function_privilege(r.oid, p.oid, 'execute')

  union all
  select 'grant', format('everybody may execute %s', p.oid::regprocedure),
    format('revoke execute on function %s from public', p.oid::regprocedure)
  from pg_proc as p
  where p.pronamespace in ('api'::regnamespace, 'internal'::regnamespace)
    and exists (
      select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0)

  union all
  select 'grant', format('%s may not read %s', r.rolname, c.oid::regclass),
    format('grant select on %s to %I', c.oid::regclass, r.rolname)
  from pg_class as c
  join pg_roles as r on r.rolname = 'accountsd_dba'
  where c.relnamespace = 'accounts'::regnamespace and c.relkind = 'r'
    -- It contains responses to other callers.
    and c.relname <> 'idempotency_key'
    and not has_table_privilege(r.oid, c.oid, 'select')
$$;
