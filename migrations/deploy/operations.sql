-- What the steps of an operation hand to each other.
begin;

set local role accountsd_owner;

create type internal.caller as (
  -- 200, or the status of the refusal.
  status int,
  detail text,
  actor jsonb,
  trace_id text,
  -- The account it acts for, null for a database role.
  account_key bigint,
  sees_all_accounts boolean
);

create type internal.verdict as (
  status int,
  id text,
  body json,
  detail text,
  errors jsonb,
  -- The problem's type (RFC 9457), null for the status's own.
  type text
);

update accounts.schema_version set version = 2;

commit;
