begin;

do $$
declare
  v_name text;
begin
  foreach v_name in array array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
    'client_connection_check_interval']
  loop
    execute format('alter role accountsd_server in database %I reset %I', current_database(), v_name);
  end loop;
end
$$;

update accounts.schema_version set version = 7;

commit;
