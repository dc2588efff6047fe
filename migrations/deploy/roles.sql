-- Roles belong to the whole cluster. Another database, or a concurrent deployment, may have created them already;
-- that is not an error.
begin;

do $$
declare
  v_role record;
begin
  for v_role in
    select * from (values
      ('accountsd_owner', 'nologin', 'owns the tables and functions of accountsd; nobody logs in as it'),
      ('accountsd_server', 'login', 'accountsd connects as this role: it calls functions and reads no table'),
      ('accountsd_delivery', 'login', 'accountsd deliver connects as this role: it takes mails from the outbox'),
      ('accountsd_consumer', 'nologin', 'granted to readers of the events of the outbox'),
      ('accountsd_dba', 'nologin', 'granted to people who run accountsd: they call every api function and read tables')
    ) as r (name, login, purpose)
  loop
    begin
      execute format('create role %I %s', v_role.name, v_role.login);
      execute format('comment on role %I is %L', v_role.name, v_role.purpose);
    exception
      when duplicate_object or unique_violation then
        raise debug 'role % exists', v_role.name;
    end;
  end loop;

  -- The deploying role must be able to create objects as the owner.
  if not pg_has_role(current_user, 'accountsd_owner', 'member') then
    execute format('grant accountsd_owner to %I', current_user);
  end if;
end
$$;

-- Timeouts of these roles. They are set for the role in this database, so that they also hold behind PgBouncer, which
-- does not pass on settings of a session in transaction pooling. A setting that exists is kept. Each may be changed
-- at any time, with effect from the next connection on:
--   alter role accountsd_server in database <database> set statement_timeout = '20s'
do $$
declare
  v_setting record;
begin
  for v_setting in
    select r.role, s.name, s.value
    from (values ('accountsd_server'), ('accountsd_delivery')) as r (role)
    cross join (values
      -- Below --database-timeout, so that PostgreSQL cancels a statement before the server stops waiting for it.
      ('statement_timeout', '8s'),
      -- Below --queue-timeout, so that requests queued behind one that waits for a lock still get a response.
      ('lock_timeout', '2s'),
      -- The programs leave no transaction open, but a connection that breaks may.
      ('idle_in_transaction_session_timeout', '10s'),
      -- A statement whose client is gone is cancelled and releases its locks.
      ('client_connection_check_interval', '1s'),
      -- At a stricter level, concurrent requests would fail where they now wait.
      ('default_transaction_isolation', 'read committed')
    ) as s (name, value)
    where not exists (
      select
      from pg_db_role_setting as d
      cross join lateral unnest(d.setconfig) as known (setting)
      where d.setrole = r.role::regrole
        and d.setdatabase = (select i.oid from pg_database as i where i.datname = current_database())
        and known.setting like s.name || '=%')
  loop
    execute format('alter role %I in database %I set %I = %L',
      v_setting.role, current_database(), v_setting.name, v_setting.value);
  end loop;
end
$$;

create schema accounts authorization accountsd_owner;
create schema internal authorization accountsd_owner;
create schema api authorization accountsd_owner;

comment on schema accounts is 'tables of accountsd; changed by api functions only';
comment on schema internal is 'steps of the api functions; called by nothing else';
comment on schema api is 'the public functions of accountsd, one for each operation';

grant usage on schema api to accountsd_server, accountsd_delivery, accountsd_consumer, accountsd_dba;
grant usage on schema accounts to accountsd_dba;

alter default privileges for role accountsd_owner revoke execute on functions from public;
alter default privileges for role accountsd_owner in schema accounts grant select on tables to accountsd_dba;

set local role accountsd_owner;

create table accounts.schema_version (
  only_row boolean primary key default true,
  version int not null,
  constraint schema_version_only_row check (only_row)
);

comment on table accounts.schema_version is
  'The version of the tables. A migration that functions depend on raises it; sql/install.sql checks it.';

insert into accounts.schema_version (version) values (1);

commit;
