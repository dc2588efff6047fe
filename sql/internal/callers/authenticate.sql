-- The API tokens that authenticate, each as an actor with the account that it acts for.
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

-- The caller as one row: the bearer of a token ("<token id>:<hex SHA-256 of its secret>") or, without a token, the
-- database role. If status is not 200, detail says why nobody is authenticated, and the other columns have no
-- meaning.
--
-- An SQL function, so that a statement for many callers inlines it. "offset 0" makes the planner find the token by
-- its index, however few tokens there are when the plan is made.
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
    offset 0
  ) as c
$$;

-- The caller, with the trace id of a traceparent.
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
