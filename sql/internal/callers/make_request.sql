-- The internal.request of an api function's arguments; an operation leaves out those that it does not take.
create or replace function internal.make_request(
  operation text, kind text, account_id text default null, user_id text default null, account_user_id text default null,
  user_group_id text default null, query text default null, body jsonb default null, token text default null,
  traceparent text default null, idempotency_key text default null)
returns internal.request
language sql immutable parallel safe
as $$
  select (operation, kind, account_id, user_id, account_user_id, user_group_id, coalesce(query, ''), body, token,
    traceparent, idempotency_key, null, false)::internal.request
$$;
