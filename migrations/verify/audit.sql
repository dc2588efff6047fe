begin;

select key, at, action, actor, database_role, trace_id, object_id, account_key from accounts.audit_record where false;

select 1 / (count(*) = 1)::int from pg_trigger
where tgrelid = 'accounts.audit_record'::regclass and tgname = 'audit_record_append_only';

rollback;
