-- Decides everything about a set of create requests that can be decided before anything is written: shape, caller,
-- account and groups, in this order; the first that fails is the verdict. What is left has status 201, and a wave: its
-- number among the requests of the set for the same address and account. In order of address and arrival.
--
-- An account that is not there and one that the caller may not see get the same answer: 403 for one that the request
-- names, 404 for one that the path does (an element's "account"). What neighbours share (caller, account, groups) is
-- looked up once.
--
-- Called by internal.create_account_users alone, whose settings its plans need.
create or replace function internal.planned_invitations(requests jsonb)
returns internal.planned_invitation[]
language plpgsql stable
as $$
declare
  v_planned internal.planned_invitation[] := array[]::internal.planned_invitation[];
  v_one internal.planned_invitation;
  v_before internal.planned_invitation;
  v_asked record;
  v_is_first boolean := true;
  v_token text;
  v_caller internal.caller;
  v_account_key bigint;
  v_account accounts.account;
  v_named bigint[];
  v_user_group_keys bigint[];
begin
  for v_asked in
    select
      e.position::int as ordinal,
      e.element ->> 'token' as token,
      e.element ->> 'account' as path_account,
      coalesce(e.element ->> 'kind', 'account_user') as kind,
      coalesce(e.element ->> 'query', '') as query,
      internal.trace_id(e.element ->> 'traceparent') as trace_id,
      e.request,
      internal.is_plain_invitation(e.request) as is_plain,
      e.request #>> '{account,id}' as account,
      internal.email_key(e.request #>> '{user,email}') as email_key,
      case when jsonb_typeof(e.request -> 'groups') = 'array' then array(
        select internal.user_group_key(i.item ->> 'id') from jsonb_array_elements(e.request -> 'groups') as i (item))
      end as named
    from (
      -- Offset 0, or each use of the request would take it out of its element again.
      select i.element, i.position, i.element -> 'request' as request
      from jsonb_array_elements(requests) with ordinality as i (element, position)
      offset 0
    ) as e
    order by email_key, e.position
  loop
    v_one := null;
    v_one.ordinal := v_asked.ordinal;
    if not v_asked.is_plain or v_asked.query <> '' or v_asked.path_account is not null then
      v_one.errors := coalesce(
        internal.request_errors(v_asked.request, 'create_account_user'),
        internal.selection_errors(v_asked.kind, v_asked.query),
        case when v_asked.account <> v_asked.path_account
          then '{"account.id": ["is not the account of the path"]}'::jsonb end);
    end if;

    if v_one.errors is null then
      if v_is_first or v_asked.token is distinct from v_token then
        v_is_first := false;
        v_token := v_asked.token;
        v_caller := internal.authenticate(v_token, null);
      end if;
      v_account_key := case
        when v_asked.path_account is not null then coalesce(internal.account_key(v_asked.path_account), 0)
        when v_asked.account is not null then internal.account_key(v_asked.account)
        else v_caller.account_key
      end;
      if v_account.key is distinct from v_account_key then
        select * into v_account from accounts.account as a where a.key = v_account_key;
        v_user_group_keys := null;
      end if;
    end if;

    if v_one.errors is not null then
      v_one.status := 400;
    elsif v_caller.status <> 200 then
      v_one.status := v_caller.status;
      v_one.detail := v_caller.detail;
    elsif v_account_key is null then
      v_one.status := 400;
      v_one.errors := '{"account.id": ["is required"]}';
    elsif v_account.key is null or not v_caller.sees_all_accounts and v_account.key <> v_caller.account_key then
      if v_asked.path_account is not null then
        v_one.status := 404;
        v_one.detail := 'There is nothing at this path.';
      else
        v_one.status := 403;
        v_one.detail := 'The caller may not act on this account.';
      end if;
    elsif v_account.status = 'Disabled' then
      v_one.status := 409;
      v_one.detail := 'The account is disabled.';
    else
      if v_user_group_keys is null or v_named is distinct from v_asked.named then
        v_named := v_asked.named;
        v_user_group_keys := case when v_named is null
          then array(
            select g.key from accounts.user_group as g where g.account_key = v_account.key and g.is_default)
          else array(
            select g.key from accounts.user_group as g where g.key = any (v_named) and g.account_key = v_account.key)
        end;
      end if;
      if cardinality(v_user_group_keys) = coalesce(cardinality(v_named), 1) then
        v_one.status := 201;
        v_one.request := v_asked.request;
        v_one.actor := v_caller.actor;
        v_one.trace_id := v_asked.trace_id;
        v_one.account_key := v_account.key;
        v_one.user_group_keys := v_user_group_keys;
        v_one.email_key := v_asked.email_key;
        v_one.kind := v_asked.kind;
        v_one.query := v_asked.query;
        v_one.wave := case when v_one.email_key is distinct from v_before.email_key then 1
          else 1 + (
            select count(*) from unnest(v_planned) as p
            where p.email_key = v_one.email_key and p.account_key = v_one.account_key)
        end;
        v_before := v_one;
      else
        v_one.status := 400;
        v_one.errors := internal.group_errors(v_account.key, nullif(v_asked.request -> 'groups', 'null'), 'groups');
      end if;
    end if;
    if v_one.status = 400 then
      v_one.detail := 'The request is not valid.';
    end if;
    v_planned := v_planned || v_one;
  end loop;
  return v_planned;
end
$$;
