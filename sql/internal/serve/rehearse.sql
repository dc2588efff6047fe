-- Performs one request as a dry run: does the work, returns the usual outcome and rolls everything back. A dry run is
-- audited and counts against limits like the real request, because its response reveals as much. Errors of PostgreSQL
-- itself are raised.
create or replace function internal.rehearse(request internal.request)
returns internal.outcome
language plpgsql
as $$
declare
  v_outcome internal.outcome;
begin
  begin
    if request.operation = 'create' then
      select i.status, i.id, i.body, i.detail, i.errors, i.type, i.is_replay, true into v_outcome
      from internal.invite_once(array[request], true) as i;
    else
      v_outcome := internal.serve_once(request);
    end if;
    -- Raising an exception is the only way to roll back what a function has done. Nothing else raises this one.
    raise exception using errcode = 'RB000', message = 'a dry run is undone';
  exception
    when sqlstate 'RB000' then
      v_outcome.is_rolled_back := true;
  end;
  if v_outcome.status between 200 and 299 and not v_outcome.is_replay then
    perform internal.record_rehearsal(request);
  end if;
  return v_outcome;
end
$$;

-- Counts a successful dry run against the limits and audits it as rehearsal.<operation>, on the membership or, if
-- that does not exist yet, on the account.
create or replace function internal.record_rehearsal(request internal.request)
returns void
language plpgsql
as $$
declare
  v_plan internal.planned_invitation[];
  v_caller internal.caller;
  v_member accounts.account_user;
begin
  if request.operation in ('get', 'list', 'get_invitation') then
    return;
  elsif request.operation = 'create' then
    v_plan := internal.plan_invitations(array[request]);
    v_caller.actor := v_plan[1].actor;
    v_caller.trace_id := v_plan[1].trace_id;
  else
    select u.* into v_member from accounts.account_user as u where u.key = internal.find_membership_by_path(request);
    if request.operation = 'accept_invite' then
      v_caller.actor := internal.member_actor(v_member);
      v_caller.trace_id := internal.trace_id(request.traceparent);
    else
      v_caller := internal.authenticate(request.token, request.traceparent);
    end if;
    if request.operation in ('resend_invite', 'send_new_invite') then
      v_plan := internal.plan_renewal(v_member.key, v_caller);
    end if;
  end if;
  if v_plan is not null then
    v_plan := internal.apply_limits(v_plan);
  end if;
  insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
  values ('rehearsal.' || request.operation, v_caller.actor, internal.caller_role(), v_caller.trace_id,
    case when v_member.key is null then internal.account_id(v_plan[1].account_key)
      else internal.account_user_id(v_member.key) end,
    coalesce(v_member.account_key, v_plan[1].account_key));
end
$$;
