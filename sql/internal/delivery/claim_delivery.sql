-- Everything that a mail contains, with a new code of its own, for a delivery that has been claimed.
create or replace function internal.mail_message(entry accounts.outbox, invitation accounts.invitation, code text)
returns json
language plpgsql stable
as $$
begin
  return (
    select json_build_object(
      'topic', entry.topic,
      -- Globally unique (RFC 5322, section 3.6.4). The same in every attempt, unless the host of invitation.urlBase
      -- has changed.
      'messageId', format('invitation.%s.%s@%s', entry.key,
        trunc(extract(epoch from entry.created_at) * 1000000),
        coalesce(substring(s.invitation_url_base from '^https?://(?:[^/@]*@)?([A-Za-z0-9.-]{1,150})(?:[:/]|$)'),
          'localhost')),
      'to', json_build_object(
        'email', u.email, 'name', u.first_name || ' ' || u.last_name, 'firstName', u.first_name),
      'language', u.language_code,
      'culture', u.culture_code,
      'account', a.name,
      'inviter', internal.inviter_name(invitation.invited_by),
      'url', internal.invitation_url(s.invitation_url_base, u.key, code),
      'expiresAt', internal.timestamp_text(invitation.expires_at),
      'queuedAt', internal.timestamp_text(entry.created_at))
    from accounts.account_user as u
    cross join lateral (select i.* from accounts.account as i where i.key = u.account_key offset 0) as a
    cross join accounts.settings as s
    where u.key = invitation.account_user_key);
end
$$;

-- Claims one mail of the outbox, whose row and invitation are locked, and returns the message to send; null if it
-- cannot be sent now or at all.
create or replace function internal.claim_delivery(
  entry accounts.outbox, invitation accounts.invitation, lease interval)
returns json
language plpgsql
as $$
declare
  c_code constant text := internal.make_secret();
  c_is_unresolved constant boolean := entry.claimed_at is not null;
  c_refusal constant text := internal.mail_refusal(invitation);
begin
  if c_refusal is not null then
    perform internal.finish_delivery(entry.key, 'Cancelled', c_refusal, c_is_unresolved);
    return null;
  elsif internal.has_no_attempt_left(entry) then
    perform internal.finish_delivery(entry.key, 'GivenUp',
      case when c_is_unresolved then 'The outcome of the last attempt is unknown.' else entry.reason end,
      c_is_unresolved);
    return null;
  elsif internal.account_is_disabled((
    select u.account_key from accounts.account_user as u where u.key = invitation.account_user_key)) then
    update accounts.outbox as o
    set due_at = statement_timestamp() + s.mail_retry_interval_max * (0.5 + random() / 2),
        unresolved_attempts = o.unresolved_attempts + c_is_unresolved::int,
        claimed_at = null,
        reason = 'The account is disabled.'
    from accounts.settings as s
    where o.key = entry.key;
    return null;
  end if;

  update accounts.outbox as o
  set attempts = o.attempts + 1,
      unresolved_attempts = o.unresolved_attempts + c_is_unresolved::int,
      claimed_at = statement_timestamp(),
      due_at = statement_timestamp() + lease
  where o.key = entry.key;
  update accounts.invitation as i
  set mail_code_sha256s = i.mail_code_sha256s || sha256(convert_to(c_code, 'UTF8'))
  where i.key = invitation.key;
  return internal.mail_message(entry, invitation, c_code);
end
$$;
