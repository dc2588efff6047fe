-- Performs one operation on one membership, or a list, without regard to idempotency keys and dry runs. Checks run in
-- this order: the shape of the body, the caller, the query, the membership.
--
-- code: the code for an invitation that the operation creates; null to generate one.
create or replace function internal.perform(request internal.request, code text default null)
returns internal.verdict
language plpgsql
as $$
declare
  v_shape constant text := internal.shape_of(request.operation);
  v_errors jsonb;
  v_caller internal.caller;
  v_key bigint;
begin
  if v_shape is not null then
    v_errors := internal.request_errors(request.body, v_shape);
    if v_errors is not null then
      return internal.refuse_invalid(v_errors);
    end if;
  end if;
  -- The code alone authorises these, so they need no caller.
  if request.operation in ('accept_invite', 'get_invitation') and request.query <> '' then
    return internal.refuse_parameter();
  elsif request.operation = 'accept_invite' then
    return internal.accept_invitation(
      request.kind, internal.find_membership_by_path(request), request.body ->> 'code',
      internal.trace_id(request.traceparent));
  elsif request.operation = 'get_invitation' then
    return internal.show_invitation(internal.find_membership_by_path(request), request.body ->> 'code');
  end if;

  v_caller := internal.authenticate(request.token, request.traceparent);
  if v_caller.status <> 200 then
    return internal.refuse(v_caller.status, v_caller.detail);
  end if;
  if request.query <> '' and request.operation not in ('get', 'list') then
    return internal.refuse_parameter();
  end if;

  if request.operation = 'list' then
    return case request.kind
      when 'account_user' then internal.list_account_users(v_caller, request.query)
      else internal.list_users(v_caller, request.account_id, request.query)
    end;
  end if;

  if request.kind = 'account_user' then
    select f.key into v_key from internal.find_account_user(v_caller, request.account_user_id) as f (key);
  else
    select f.key into v_key from internal.find_user(v_caller, request.account_id, request.user_id) as f (key);
  end if;
  if v_key is null then
    return internal.refuse_missing();
  end if;
  case request.operation
    when 'get' then
      return internal.show_membership(request.kind, v_key, null, request.query);
    when 'resend_invite' then
      return internal.renew_invitation(request.kind, v_key, v_caller, 'resend', code);
    when 'send_new_invite' then
      return internal.renew_invitation(request.kind, v_key, v_caller, 'send_new', code);
    when 'add_group' then
      return internal.add_group(request.kind, v_key, v_caller, request.body ->> 'id');
    when 'replace_groups' then
      return internal.replace_groups(request.kind, v_key, v_caller, request.body, '');
    when 'replace_user' then
      return internal.replace_groups(request.kind, v_key, v_caller, request.body -> 'groups', 'groups');
    when 'take_group' then
      return internal.take_group(v_key, v_caller, request.user_group_id);
    when 'remove' then
      return internal.remove_account_user(v_key, v_caller);
    else
      return internal.refuse_missing();
  end case;
end
$$;
