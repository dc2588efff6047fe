begin;

select key_sha256, request_sha256, code_salt, status, id, body, created_at from accounts.idempotency_key where false;

rollback;
