-- Roles belong to the whole cluster, so another database, or another deployment running at
-- this moment, may have made them already: that is success, not an error.
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

  -- Who deploys must be able to create objects as the owner.
  if not pg_has_role(current_user, 'accountsd_owner', 'member') then
    execute format('grant accountsd_owner to %I', current_user);
  end if;
end
$$;

-- How long a statement of these roles may take and wait, set for the role and this database so that it holds behind
-- PgBouncer too, which in transaction pooling passes on no setting of a session. A setting that is there already stays.
-- Each may be changed at any time, from the next connection on:
--   alter role accountsd_server in database <database> set statement_timeout = '20s'
do $$
declare
  v_setting record;
begin
  for v_setting in
    select r.role, s.name, s.value
    from (values ('accountsd_server'), ('accountsd_delivery')) as r (role)
    cross join (values
      -- Below --database-timeout, so that the server learns of it and no statement runs on.
      ('statement_timeout', '8s'),
      -- Below --queue-timeout, so that requests behind one that waits for a lock are still answered.
      ('lock_timeout', '2s'),
      -- The programs leave no transaction open; a connection that is cut may.
      ('idle_in_transaction_session_timeout', '10s'),
      -- A statement whose client is gone ends and releases its locks.
      ('client_connection_check_interval', '1s'),
      -- In a stricter one, requests that meet fail where they would have waited.
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
comment on schema api is 'the public face of accountsd: every operation, one function each';

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
  'The level of the tables. Migrations that procedures must know of raise it; sql/install.sql asks for what it needs.';

insert into accounts.schema_version (version) values (1);

commit;
