-- The object of a mail in the outbox, for DBAs.
create or replace function internal.delivery_object(entry accounts.outbox)
returns json
language plpgsql stable
as $$
begin
  return (
    select json_build_object(
      'id', entry.key,
      'topic', entry.topic,
      'status', entry.delivery,
      'accountUser', json_build_object('id', internal.account_user_id(u.key)),
      'account', json_build_object('id', internal.account_id(a.key), 'name', a.name),
      'user', json_build_object(
        'id', internal.person_id(u.person_key), 'name', u.first_name || ' ' || u.last_name, 'email', u.email),
      'attempts', entry.attempts - entry.uncounted_attempts,
      'unresolvedAttempts', entry.unresolved_attempts,
      'reason', entry.reason,
      'queuedAt', internal.timestamp_text(entry.created_at),
      'dueAt', case when entry.delivery = 'Queued' then internal.timestamp_text(entry.due_at) end,
      'finishedAt', internal.timestamp_text(entry.finished_at))
    from accounts.invitation as i
    cross join lateral (select j.* from accounts.account_user as j where j.key = i.account_user_key offset 0) as u
    cross join lateral (select j.* from accounts.account as j where j.key = u.account_key offset 0) as a
    where i.key = entry.invitation_key);
end
$$;
