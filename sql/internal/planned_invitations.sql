-- Decides everything about a set of create requests that can be decided before anything is written: shape, caller,
-- account and groups, in this order; the first that fails is the verdict. What is left has status 201, and a wave: its
-- number among the requests of the set for the same address and account. In order of arrival, so that the ordinal of a
-- request is its subscript.
--
-- An account that is not there and one that the caller may not see get the same answer: 403 for one that the request
-- names, 404 for one that the path does (an element's "account").
--
-- One statement, because what it costs to begin one, or an expression of plpgsql, in a transaction is most of what a
-- look-up costs. "offset 0" where an expression would else be computed anew for each use.
--
-- Called by internal.create_account_users alone, whose settings its plan needs.
create or replace function internal.planned_invitations(requests jsonb)
returns internal.planned_invitation[]
language plpgsql stable
as $$
begin
  return (
    select array_agg(
      (
        v.ordinal,
        v.status,
        case
          when v.status = 400 then 'The request is not valid.'
          when v.caller_status <> 200 then v.caller_detail
          when v.status = 403 then 'The caller may not act on this account.'
          when v.status = 404 then 'There is nothing at this path.'
          when v.status = 409 then 'The account is disabled.'
        end,
        case
          when v.errors is not null then v.errors
          when v.status = 400 and v.account_key is null then '{"account.id": ["is required"]}'
          when v.status = 400
            then internal.group_errors(v.account_key, nullif(v.request -> 'groups', 'null'), 'groups')
        end,
        v.request,
        v.actor,
        internal.trace_id(v.traceparent),
        v.account_key,
        v.user_group_keys,
        v.email_key,
        v.kind,
        v.query,
        v.wave
      )::internal.planned_invitation
      order by v.ordinal)
    from (
      select
        s.*,
        case when s.status = 201
          then row_number() over (partition by s.status, s.account_key, s.email_key order by s.ordinal) end as wave
      from (
        select
          f.*,
          case
            when f.errors is not null then 400
            when f.caller_status <> 200 then f.caller_status
            when f.has_no_account then 400
            when f.account_key is null or not f.is_visible
              then case when f.path_account is not null then 404 else 403 end
            when f.account_status = 'Disabled' then 409
            when cardinality(f.user_group_keys) <> f.group_count then 400
            else 201
          end as status
        from (
          select
            e.*,
            case when not e.is_plain or e.query <> '' or e.path_account is not null then coalesce(
              internal.request_errors(e.request, 'create_account_user'),
              internal.selection_errors(e.kind, e.query),
              case when e.account <> e.path_account
                then '{"account.id": ["is not the account of the path"]}'::jsonb end)
            end as errors,
            c.status as caller_status,
            c.detail as caller_detail,
            c.actor,
            e.path_account is null and e.account is null and c.account_key is null as has_no_account,
            a.key as account_key,
            a.status as account_status,
            c.sees_all_accounts or a.key = c.account_key as is_visible,
            case when e.has_groups
              then array(
                select g.key
                from jsonb_array_elements(e.request -> 'groups') as i (item)
                join accounts.user_group as g on g.key = internal.user_group_key(i.item ->> 'id')
                where g.account_key = a.key
                order by g.key)
              else array(select g.key from accounts.user_group as g where g.account_key = a.key and g.is_default)
            end as user_group_keys,
            case when e.has_groups then jsonb_array_length(e.request -> 'groups') else 1 end as group_count
          from (
            select
              i.position::int as ordinal,
              i.element ->> 'token' as token,
              i.element ->> 'account' as path_account,
              coalesce(i.element ->> 'kind', 'account_user') as kind,
              coalesce(i.element ->> 'query', '') as query,
              i.element ->> 'traceparent' as traceparent,
              i.request,
              internal.is_plain_invitation(i.request) as is_plain,
              i.request #>> '{account,id}' as account,
              internal.email_key(i.request #>> '{user,email}') as email_key,
              coalesce(jsonb_typeof(i.request -> 'groups') = 'array', false) as has_groups
            from (
              select r.element, r.position, r.element -> 'request' as request
              from jsonb_array_elements(requests) with ordinality as r (element, position)
              offset 0
            ) as i
            offset 0
          ) as e
          cross join lateral internal.callers(e.token) as c
          left join accounts.account as a on a.key = case
            when e.path_account is not null then internal.account_key(e.path_account)
            when e.account is not null then internal.account_key(e.account)
            else c.account_key
          end
          offset 0
        ) as f
        offset 0
      ) as s
    ) as v);
end
$$;
