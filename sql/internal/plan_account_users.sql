-- Decides everything about a set of create requests that can be decided before anything is
-- written: shape, caller, account and groups, in this order; the first that fails is the
-- verdict. What is left has status 201 and a wave: its number among the requests of the set
-- for the same address and account.
--
-- An account that is not there and one that the caller may not see get the same answer: 403 for one
-- that the request names, 404 for one that the path does (an element's "account").
create or replace function internal.plan_account_users(requests jsonb, caller jsonb)
returns internal.planned_invitation[]
language plpgsql stable
as $$
begin
  return array(
    -- Materialized, or each use of a column would work it out again.
    with parsed as materialized (
      select
        e.position::int as ordinal,
        e.element -> 'request' as request,
        e.element ->> 'token' as token,
        internal.trace_id(e.element ->> 'traceparent') as trace_id,
        internal.email_key(e.element #>> '{request,user,email}') as email_key,
        coalesce(
          internal.request_errors(e.element -> 'request', 'create_account_user'),
          internal.selection_errors(
            coalesce(e.element ->> 'kind', 'account_user'), coalesce(e.element ->> 'query', '')),
          case when e.element #>> '{request,account,id}' <> e.element ->> 'account'
            then '{"account.id": ["is not the account of the path"]}'::jsonb end) as errors,
        coalesce(e.element ->> 'kind', 'account_user') as kind,
        coalesce(e.element ->> 'query', '') as query,
        e.element ->> 'account' is not null as is_of_path,
        token.actor as token_actor,
        token.account_type = 'Operations' as token_sees_all,
        token.account_status = 'Disabled' as token_is_disabled,
        token.account_key as token_account_key,
        case when e.element ->> 'account' is not null then coalesce(internal.account_key(e.element ->> 'account'), 0)
          else coalesce(internal.account_key(e.element #>> '{request,account,id}'), token.account_key)
        end as wanted_account_key
      from jsonb_array_elements(requests) with ordinality as e (element, position)
      left join internal.token_callers() as token
        on token.key = internal.api_token_key(split_part(e.element ->> 'token', ':', 1))
        and token.secret_sha256 = internal.hash_of_text(split_part(e.element ->> 'token', ':', 2))
    )
    select (
      p.ordinal, p.status,
      case p.status
        when 400 then 'The request is not valid.'
        when 401 then 'A valid API token is required.'
        when 403 then case when p.token_is_disabled
          then 'The account of the API token is disabled.' else 'The caller may not act on this account.' end
        when 404 then 'There is nothing at this path.'
        when 409 then 'The account is disabled.'
      end,
      case when p.status = 400 then p.errors end,
      p.request, p.actor, p.trace_id, p.account_key, p.user_group_keys, p.email_key, p.kind, p.query,
      case when p.status = 201
        then row_number() over (partition by p.status, p.account_key, p.email_key order by p.ordinal)
      end)::internal.planned_invitation
    from (
      select
        r.ordinal, r.request, r.trace_id, r.token_is_disabled,
        coalesce(r.token_actor, caller) as actor,
        r.email_key, r.kind, r.query,
        account.key as account_key,
        groups.keys as user_group_keys,
        case
          when r.errors is not null then 400
          when r.token is null and caller is null or r.token is not null and r.token_actor is null then 401
          when r.token_is_disabled then 403
          when r.wanted_account_key is null then 400
          when account.key is null then case when r.is_of_path then 404 else 403 end
          when account.status = 'Disabled' then 409
          when groups.errors is not null then 400
          else 201
        end as status,
        case
          when r.errors is not null then r.errors
          when r.wanted_account_key is null then '{"account.id": ["is required"]}'
          else groups.errors
        end as errors
      from parsed as r
      left join accounts.account as account
        on account.key = r.wanted_account_key
        and (r.token is null or r.token_sees_all or account.key = r.token_account_key)
      left join lateral internal.chosen_groups(account.key, r.request -> 'groups') as groups on r.errors is null
    ) as p
    order by p.ordinal);
end
$$;
