-- One operation on one membership, or on the memberships that the caller sees: the road that
-- HTTP (api.serve) and the api functions share, after internal.serve. element: {"operation", "kind", "token",
-- "traceparent", and of these what the operation takes: "account", "user", "accountUser", "group"
-- (ids of the path), "query", "request" (the body)}. kind: 'account_user' is keyed by "accountUser",
-- 'user' by "account" and "user"; it decides the shape of the answer as well.
--
-- code: the code of an invitation that is made; without it one is made up.
create or replace function internal.perform(element jsonb, code text default null)
returns internal.verdict
language plpgsql
as $$
declare
  v_operation constant text := element ->> 'operation';
  v_kind constant text := element ->> 'kind';
  v_request constant jsonb := element -> 'request';
  v_query constant text := coalesce(element ->> 'query', '');
  v_shape constant text := internal.shape_of(v_operation);
  v_errors jsonb;
  v_caller internal.caller;
  v_key bigint;
begin
  if v_shape is not null then
    v_errors := internal.request_errors(v_request, v_shape);
    if v_errors is not null then
      return internal.invalid(v_errors);
    end if;
  end if;
  -- The code alone authorises these, so every membership counts as seen.
  if v_operation in ('accept_invite', 'get_invitation') and v_query <> '' then
    return internal.unknown_parameter();
  elsif v_operation = 'accept_invite' then
    return internal.accept_invitation(
      v_kind, internal.path_account_user(element), v_request ->> 'code',
      internal.trace_id(element ->> 'traceparent'));
  elsif v_operation = 'get_invitation' then
    return internal.show_invitation(internal.path_account_user(element), v_request ->> 'code');
  end if;

  v_caller := internal.authenticate(element ->> 'token', element ->> 'traceparent');
  if v_caller.status <> 200 then
    return internal.refused(v_caller.status, v_caller.detail);
  end if;
  if v_query <> '' and v_operation not in ('get', 'list') then
    return internal.unknown_parameter();
  end if;

  if v_operation = 'list' then
    return case v_kind
      when 'account_user' then internal.list_account_users(v_caller, v_query)
      else internal.list_users(v_caller, element ->> 'account', v_query)
    end;
  end if;

  v_key := case v_kind
    when 'account_user' then internal.visible_account_user(v_caller, element ->> 'accountUser')
    else internal.visible_user(v_caller, element ->> 'account', element ->> 'user')
  end;
  if v_key is null then
    return internal.missing();
  end if;
  case v_operation
    when 'get' then
      return internal.shown(v_kind, v_key, null, v_query);
    when 'resend_invite' then
      return internal.renew_invitation(v_kind, v_key, v_caller, 'resend', code);
    when 'send_new_invite' then
      return internal.renew_invitation(v_kind, v_key, v_caller, 'send_new', code);
    when 'add_group' then
      return internal.add_group(v_kind, v_key, v_caller, v_request ->> 'id');
    when 'replace_groups' then
      return internal.replace_groups(v_kind, v_key, v_caller, v_request, '');
    when 'replace_user' then
      return internal.replace_groups(v_kind, v_key, v_caller, v_request -> 'groups', 'groups');
    when 'take_group' then
      return internal.take_group(v_key, v_caller, element ->> 'group');
    when 'remove' then
      return internal.remove_account_user(v_key, v_caller);
    else
      return internal.missing();
  end case;
end
$$;
