-- The responses to requests with an idempotency key, so that a repeated request gets the same response.
begin;

set local role accountsd_owner;

create table accounts.idempotency_key (
  key_sha256 bytea not null,
  request_sha256 bytea not null,
  code_salt bytea not null,
  status int not null,
  id text,
  body json,
  created_at timestamptz not null default now(),
  constraint idempotency_key_pkey primary key (key_sha256),
  constraint idempotency_key_key_sha256_length check (octet_length(key_sha256) = 32),
  constraint idempotency_key_request_sha256_length check (octet_length(request_sha256) = 32),
  constraint idempotency_key_code_salt_length check (octet_length(code_salt) = 32),
  constraint idempotency_key_status_success check (status between 200 and 299)
);

comment on table accounts.idempotency_key is
  'Responses to requests with an idempotency key, kept for accounts.settings.idempotency_lifetime.';
comment on column accounts.idempotency_key.key_sha256 is
  'SHA-256 of scope and key. The key is not stored: the code of the invitation is derived from it and code_salt.';
comment on column accounts.idempotency_key.body is
  'The response, with code_salt in hex instead of the code of the invitation.';

-- The code of an invitation can be computed from code_salt and the key, if a DBA called without a token and the key
-- can be guessed.
revoke select on accounts.idempotency_key from accountsd_dba;

-- Used to delete expired rows.
create index idempotency_key_created_at_idx on accounts.idempotency_key (created_at);

commit;
