-- Types of the values that the steps of an operation pass to each other.
begin;

set local role accountsd_owner;

-- A request over HTTP or of an api function. Fields that the operation does not take are null.
create type internal.request as (
  -- 'create', 'get', 'list', ...; internal.perform handles all but 'create'.
  operation text,
  -- 'account_user' or 'user': which ids the path has, and the shape of the response.
  kind text,
  -- The ids of the path.
  account_id text,
  user_id text,
  account_user_id text,
  user_group_id text,
  query text,
  body jsonb,
  -- "<token id>:<hex SHA-256 of its secret>", null for a database role.
  token text,
  -- W3C Trace Context.
  traceparent text,
  idempotency_key text,
  -- A secret of the caller, from which the code of an invitation is derived.
  code_seed text,
  is_dry_run boolean
);

create type internal.caller as (
  -- 200, or the status of the refusal.
  status int,
  detail text,
  actor jsonb,
  trace_id text,
  -- The account that the caller acts for; null for a database role.
  account_key bigint,
  sees_all_accounts boolean
);

create type internal.verdict as (
  status int,
  id text,
  body json,
  detail text,
  errors jsonb,
  -- The type of the problem (RFC 9457); null for the default type of the status.
  type text
);

-- What the groups of a membership contribute to its object.
create type internal.given_members as (groups json, buyers json, modules json);

-- The decision of internal.plan_invitations about one create request.
create type internal.planned_invitation as (
  ordinal int,
  status int,
  detail text,
  errors jsonb,
  body jsonb,
  actor jsonb,
  trace_id text,
  account_key bigint,
  user_group_keys bigint[],
  email_key text,
  kind text,
  query text,
  wave int
);

-- The result of claiming an idempotency key: a verdict, or what is needed to store the verdict that follows. All
-- fields are null if the request is to be performed without a key.
create type internal.idempotency_claim as (
  verdict internal.verdict,
  is_replay boolean,
  key_sha256 bytea,
  request_sha256 bytea,
  code_salt bytea,
  code text
);

-- A verdict, and whether it was stored before (is_replay) or its changes were rolled back (is_rolled_back).
create type internal.outcome as (
  status int,
  id text,
  body json,
  detail text,
  errors jsonb,
  type text,
  is_replay boolean,
  is_rolled_back boolean
);

commit;
