-- Every API token that authenticates, as the actor it is and the account it acts for.
create or replace function internal.token_callers()
returns table (
  key bigint, proof_sha256 bytea, actor jsonb,
  account_key bigint, account_type accounts.account_type, account_status accounts.account_status)
language sql stable
as $$
  select t.key, t.proof_sha256,
    jsonb_build_object('id', internal.api_token_id(t.key), 'name', t.name, 'icon', t.icon),
    a.key, a.type, a.status
  from accounts.api_token as t
  join accounts.account as a on a.key = t.account_key
  where t.status = 'Active'
$$;

-- Who calls, as one row: the bearer of a token ("<token id>:<hex SHA-256 of its secret>"), or without one the database
-- role; or why nobody, and then what else is in the row means nothing. In SQL, so that it becomes part of a statement
-- that asks for many; with "offset 0", so that the token is found by its index, however few there were when it was
-- planned.
create or replace function internal.find_caller(token text)
returns setof internal.caller
language sql stable
as $$
  select
    c.status,
    case c.status
      when 401 then 'A valid API token is required.'
      when 403 then 'The account of the API token is disabled.'
    end,
    c.actor,
    null::text,
    c.account_key,
    c.sees_all_accounts
  from (
    select
      case when r.actor is null and t.key is null then 401
        when t.account_status = 'Disabled' then 403
        else 200
      end as status,
      coalesce(r.actor, t.actor) as actor,
      t.account_key,
      r.actor is not null or t.account_type = 'Operations' as sees_all_accounts
    from (
      select
        case when token is null then internal.caller_actor() end as actor,
        internal.api_token_key(split_part(token, ':', 1)) as key,
        internal.proof_sha256(split_part(token, ':', 2)) as proof_sha256
      offset 0
    ) as r
    left join lateral (
      select * from internal.token_callers() as i where i.key = r.key offset 0
    ) as t on t.proof_sha256 = r.proof_sha256
  ) as c
$$;

-- The one who calls, with the trace id of a traceparent.
create or replace function internal.authenticate(token text, traceparent text)
returns internal.caller
language plpgsql stable
as $$
declare
  v_caller internal.caller;
begin
  select * into v_caller from internal.find_caller(token);
  v_caller.trace_id := case when v_caller.status = 200 then internal.trace_id(traceparent) end;
  return v_caller;
end
$$;
