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

create schema accounts authorization accountsd_owner;
create schema internal authorization accountsd_owner;
create schema api authorization accountsd_owner;

comment on schema accounts is 'tables of accountsd; changed by api functions only';
comment on schema internal is 'steps of the api functions; called by nothing else';
comment on schema api is 'the public face of accountsd: every operation, one function each';

grant usage on schema api to accountsd_server, accountsd_dba;
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

insert into accounts.schema_version (version) values (0);

commit;
