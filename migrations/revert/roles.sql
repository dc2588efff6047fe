-- The roles stay: they belong to the cluster, and other databases may use them. The functions that sql/install.sql
-- loaded are dropped with their schemas.
begin;

do $$
declare
  v_setting record;
begin
  for v_setting in
    select r.role, s.name
    from (values ('accountsd_server'), ('accountsd_delivery')) as r (role)
    cross join (values
      ('statement_timeout'), ('lock_timeout'), ('idle_in_transaction_session_timeout'),
      ('client_connection_check_interval'), ('default_transaction_isolation')
    ) as s (name)
  loop
    execute format('alter role %I in database %I reset %I', v_setting.role, current_database(), v_setting.name);
  end loop;
end
$$;

drop schema api cascade;
drop schema internal cascade;
drop table accounts.schema_version;
alter default privileges for role accountsd_owner in schema accounts revoke select on tables from accountsd_dba;
alter default privileges for role accountsd_owner grant execute on functions to public;
drop schema accounts;

commit;
