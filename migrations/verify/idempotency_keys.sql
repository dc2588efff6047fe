begin;

select key_sha256, request_sha256, code_salt, status, id, body, created_at from accounts.idempotency_key where false;
select idempotency_lifetime from accounts.settings where false;

select 1 / (count(*) = 2)::int from pg_type
where typnamespace = 'internal'::regnamespace and typname in ('idempotency_claim', 'outcome');

select 1 / (version >= 7)::int from accounts.schema_version;

rollback;
