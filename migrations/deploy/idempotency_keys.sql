-- What was answered to requests that carried an idempotency key, so that the same request gets the same answer again.
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
  'The answers of work that was done under an idempotency key, for as long as accounts.settings says.';
comment on column accounts.idempotency_key.key_sha256 is
  'SHA-256 of who called and the key. The key itself is kept nowhere: with code_salt it makes the invitation''s code.';
comment on column accounts.idempotency_key.body is
  'As it was sent, but for code_salt in hex in the place of the invitation''s code.';

-- Where a DBA has called without a token and with a key that can be guessed, key and code_salt make the code.
revoke select on accounts.idempotency_key from accountsd_dba;

-- For the writers, who take away what is too old.
create index idempotency_key_created_at_idx on accounts.idempotency_key (created_at);

commit;
