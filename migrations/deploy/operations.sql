-- What the steps of an operation hand to each other.
begin;

set local role accountsd_owner;

-- What HTTP or an api function asks for; null is what an operation does not take.
create type internal.request as (
  -- 'create', 'get', 'list', ...: internal.perform knows all but 'create'.
  operation text,
  -- 'account_user' or 'user': which ids the path has, and the shape of the answer.
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
  -- A secret of the caller that decides about the code of an invitation.
  code_seed text,
  is_dry_run boolean
);

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

-- What internal.plan_invitations decides about one create request.
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

-- What an idempotency key comes to before the work: a verdict, or what is needed to keep the one that follows. All
-- null where the request is to be done as if it had none.
create type internal.idempotency_claim as (
  verdict internal.verdict,
  is_replay boolean,
  key_sha256 bytea,
  request_sha256 bytea,
  code_salt bytea,
  code text
);

-- A verdict, and what is to be said of it beside: that it was given before, that nothing of it was kept.
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
