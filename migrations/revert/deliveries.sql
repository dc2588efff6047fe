-- The roles stay, as in revert/roles.sql.
begin;

do $$
declare
  v_name text;
begin
  foreach v_name in array array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
    'client_connection_check_interval']
  loop
    execute format('alter role accountsd_delivery in database %I reset %I', current_database(), v_name);
  end loop;
end
$$;

revoke usage on schema api from accountsd_delivery, accountsd_consumer;

drop table accounts.expiry_notice;
alter table accounts.settings
  drop column mail_attempts, drop column mail_retry_interval, drop column mail_retry_interval_max;

drop index accounts.invitation_expires_at_idx;
alter table accounts.invitation drop column mail_code_sha256s;

delete from accounts.outbox where topic <> 'invitation.mail';
alter table accounts.outbox
  drop constraint outbox_topic_known,
  drop column delivery, drop column attempts, drop column unresolved_attempts,
  drop column uncounted_attempts, drop column due_at, drop column claimed_at, drop column finished_at,
  drop column reason, drop column position,
  add constraint outbox_topic_known check (topic in ('invitation.mail'));
drop type accounts.delivery_status cascade;

update accounts.schema_version set version = 10;

commit;
