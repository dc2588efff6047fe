-- Checks one request of a set in this order: shape, caller, account, groups. The first check that fails decides the
-- outcome; if none fails, the plan is returned unchanged. Used for requests that the shortcut below does not cover.
--
-- An account that does not exist and one that the caller may not see get the same response: 403 if the body names the
-- account, 404 if the path does (path_account).
create or replace function internal.judge_invitation(
  planned internal.planned_invitation, caller internal.caller, path_account text,
  account_status accounts.account_status)
returns internal.planned_invitation
language plpgsql stable
as $$
declare
  v_account constant text := planned.body #>> '{account,id}';
  v_groups constant jsonb := nullif(planned.body -> 'groups', 'null');
begin
  planned.errors := internal.request_errors(planned.body, 'create_account_user');
  if planned.errors is null and caller.status = 200 then
    planned.errors := coalesce(
      internal.selection_errors(planned.kind, planned.query),
      case when v_account <> path_account then '{"account.id": ["is not the account of the path"]}'::jsonb end);
  end if;
  if planned.errors is not null then
    planned.status := 400;
  elsif caller.status <> 200 then
    planned.status := caller.status;
    planned.detail := caller.detail;
  elsif path_account is null and v_account is null and caller.account_key is null then
    planned.status := 400;
    planned.errors := '{"account.id": ["is required"]}';
  elsif planned.account_key is null
    or not (caller.sees_all_accounts or planned.account_key = caller.account_key) then
    if path_account is not null then
      planned.status := 404;
      planned.detail := 'There is nothing at this path.';
    else
      planned.status := 403;
      planned.detail := 'The caller may not act on this account.';
    end if;
  elsif account_status = 'Disabled' then
    planned.status := 409;
    planned.detail := 'The account is disabled.';
  elsif cardinality(planned.user_group_keys) <> coalesce(jsonb_array_length(v_groups), 1) then
    planned.status := 400;
    planned.errors := internal.group_errors(planned.account_key, v_groups, 'groups');
  end if;
  if planned.status = 400 then
    planned.detail := 'The request is not valid.';
  end if;
  if planned.status <> 201 then
    planned.wave := null;
  end if;
  return planned;
end
$$;

-- Decides everything about a set of create requests that can be decided before anything is written. A request that
-- passes has status 201 and a wave: its number among the requests of the set for the same account and address, in
-- order of arrival.
--
-- One statement with few functions, because starting a statement costs time in proportion to its expressions, which
-- is most of the cost of a look-up. "offset 0" keeps an expression from being repeated for each use.
--
-- Called by internal.create_account_users only, whose settings its plan needs.
create or replace function internal.plan_invitations(requests internal.request[])
returns internal.planned_invitation[]
language plpgsql stable
as $$
declare
  v_planned internal.planned_invitation[];
begin
  select coalesce(array_agg(
    case
      when e.is_plain and e.query = '' and e.path_account is null
        and (e.caller).status = 200
        and ((e.caller).sees_all_accounts or e.account_key = (e.caller).account_key)
        and e.account_status <> 'Disabled'
        and cardinality(e.user_group_keys) = e.group_count
        then e.planned
      else internal.judge_invitation(e.planned, e.caller, e.path_account, e.account_status)
    end), '{}')
  into v_planned
  from (
    select
      (
        f.ordinal, 201, null, null, f.body, (f.caller).actor, f.trace_id, f.account_key, f.user_group_keys,
        f.email_key, f.kind, f.query, 1
      )::internal.planned_invitation as planned,
      f.*
    from (
      select
        r.position::int as ordinal,
        r.body,
        r.path_account,
        r.kind,
        r.query,
        internal.trace_id(r.traceparent) as trace_id,
        internal.is_plain_invitation(r.body, r.email, r.first_name, r.last_name, r.phone_prefix, r.phone_number,
          r.culture_code, r.language_code, r.account_id, r.groups) as is_plain,
        internal.email_key(r.email) as email_key,
        c as caller,
        a.key as account_key,
        a.status as account_status,
        case when jsonb_typeof(r.groups) = 'array'
          then array(
            select g.key
            from jsonb_array_elements(r.groups) as i (item)
            cross join lateral (
              select n.key from accounts.user_group as n
              where n.key = internal.user_group_key(i.item ->> 'id') and n.account_key = a.key
              offset 0
            ) as g
            order by g.key)
          else array(select g.key from accounts.user_group as g where g.account_key = a.key and g.is_default)
        end as user_group_keys,
        case when jsonb_typeof(r.groups) = 'array' then jsonb_array_length(r.groups) else 1 end as group_count
      from (
        select
          q.ordinality as position, q.body, q.account_id as path_account, q.kind, q.query, q.token, q.traceparent, v.*,
          coalesce(q.account_id, v.account_id) as named_account
        from unnest(requests) with ordinality as q
        cross join lateral internal.invitation_values(q.body) as v
        offset 0
      ) as r
      cross join lateral internal.find_caller(r.token) as c
      left join accounts.account as a
        on a.key = case when r.named_account is null then c.account_key else internal.account_key(r.named_account) end
      offset 0
    ) as f
  ) as e;

  if cardinality(v_planned) > 1 then
    v_planned := array(
      select (
        p.ordinal, p.status, p.detail, p.errors, p.body, p.actor, p.trace_id, p.account_key, p.user_group_keys,
        p.email_key, p.kind, p.query,
        case when p.status = 201
          then row_number() over (partition by p.status, p.account_key, p.email_key order by p.ordinal) end
      )::internal.planned_invitation
      from unnest(v_planned) as p
      order by p.ordinal);
  end if;
  return v_planned;
end
$$;
