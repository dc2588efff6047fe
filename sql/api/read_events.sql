create or replace function api.read_events(after bigint default 0, max_count int default 100)
returns table ("position" bigint, event json)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if (after >= 0) is not true or (max_count between 1 and 1000) is not true then
    perform internal.raise_problem(400, 'after is below 0, or max_count not 1 to 1000.');
  end if;

  return query
  select e.position, json_build_object(
    'position', e.position,
    'topic', o.topic,
    'at', internal.timestamp_text(o.created_at),
    'accountUser', json_build_object('id', internal.account_user_id(u.key)),
    'account', json_build_object('id', internal.account_id(u.account_key)),
    'user', json_build_object('id', internal.person_id(u.person_key)))
  from (
    select i.* from accounts.event as i where i.position > after order by i.position limit max_count
  ) as e
  cross join lateral (select i.* from accounts.outbox as i where i.key = e.outbox_key offset 0) as o
  cross join lateral (
    select u.*
    from accounts.account_user as u
    where u.key = coalesce(
      o.account_user_key, (select i.account_user_key from accounts.invitation as i where i.key = o.invitation_key))
    offset 0
  ) as u
  order by e.position;
end
$$;

comment on function api.read_events(bigint, int) is
'The events after a position, in order, at most max_count: {"position", "topic", "at", "accountUser", "account",
"user"}. Positions are 1, 2, 3, ... without gaps, and an event that becomes visible later has a higher position. So a
reader that stores the last position and continues from it gets each event exactly once. An event can be read once
api.number_events, called by accountsd deliver, has assigned its position; LISTEN accountsd_events reports that.
The function only reads: a reader waits for nobody and blocks nobody, however long its transaction is.
topics: invitation.mail (an invitation was created or sent again), invitation.reminder, invitation.expired,
invitation.undeliverable (its mail was given up), account_user.accepted, .removed, .group_added, .group_taken,
.groups_replaced. Raises PT400.';

grant execute on function api.read_events(bigint, int) to accountsd_consumer, accountsd_dba;
