-- Why the invitation of a membership cannot be sent again; null if it can. expected: 'resend' or 'send_new'.
create or replace function internal.renewal_refusal(member accounts.account_user, expected text)
returns internal.verdict
language plpgsql
as $$
declare
  v_invitation accounts.invitation;
  v_has_expired boolean;
begin
  if member.key is null then
    return internal.refuse_missing();
  end if;
  if internal.account_is_disabled(member.account_key) then
    return internal.refuse(409, 'The account is disabled.');
  end if;
  if member.status = 'Active' then
    return internal.refuse(400, 'The invitation was accepted.', '/problems/invitation-accepted');
  end if;

  select * into v_invitation
  from accounts.invitation as i
  where i.account_user_key = member.key and i.status = 'Open';
  v_has_expired := v_invitation.key is null or v_invitation.expires_at <= statement_timestamp();

  if v_has_expired and expected = 'resend' then
    return internal.refuse(400, 'The invitation has expired: use send-new-invite.', '/problems/invitation-expired');
  elsif not v_has_expired and expected = 'send_new' then
    return internal.refuse(400, 'The invitation is still open: use resend-invite.', '/problems/invitation-open');
  end if;
  return null;
end
$$;

-- An invitation that is sent again, as a plan to count against the limits.
create or replace function internal.plan_renewal(key bigint, caller internal.caller)
returns internal.planned_invitation[]
language plpgsql stable
as $$
begin
  return (
    select array[(
      1, 201, null, null, null, caller.actor, null, u.account_key, null, p.email_key, null, null, 1
    )::internal.planned_invitation]
    from accounts.account_user as u
    cross join lateral (select i.email_key from accounts.person as i where i.key = u.person_key offset 0) as p
    where u.key = plan_renewal.key);
end
$$;

-- Sends an invitation again with a new code and a new expiry; the old code becomes invalid. 'resend' requires an
-- invitation that is still open, 'send_new' one that has expired. code: null to generate one.
create or replace function internal.renew_invitation(
  kind text, key bigint, caller internal.caller, expected text, code text)
returns internal.verdict
language plpgsql
as $$
declare
  -- Counters of limits are locked before memberships.
  c_plan constant internal.planned_invitation[] := internal.apply_limits(internal.plan_renewal(key, caller));
  v_member constant accounts.account_user := internal.lock_membership(key);
  v_refusal constant internal.verdict := internal.renewal_refusal(v_member, expected);
  v_code constant text := coalesce(code, internal.make_secret());
begin
  if v_refusal.status is not null then
    perform internal.uncount_invitations(c_plan, '{}');
    return v_refusal;
  elsif c_plan[1].status <> 201 then
    return internal.refuse(c_plan[1].status, c_plan[1].detail, errors => c_plan[1].errors);
  end if;

  perform internal.close_invitation(key, 'Superseded');
  with invited as (
    insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
    select renew_invitation.key, sha256(convert_to(v_code, 'UTF8')), now() + s.invitation_lifetime, caller.actor
    from accounts.settings as s
    returning invitation.key
  )
  insert into accounts.outbox (topic, invitation_key)
  select 'invitation.mail', i.key from invited as i;

  perform internal.change_membership(
    key, case expected when 'resend' then 'account_user.invitation_resent' else 'account_user.invited_anew' end,
    caller.actor, caller.trace_id);
  return internal.show_membership(kind, key, v_code, '');
end
$$;
