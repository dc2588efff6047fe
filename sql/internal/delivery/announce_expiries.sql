-- Writes one kind of notice ('reminder', 'expired') to the outbox for invitations that are due for it, at most
-- max_count; returns how many. Only invitations that expire after noticed_until are read, with an overlap for
-- transactions that committed late.
--
-- It never waits. A transaction that has locked an invitation may be closing it, and then writes the notice itself.
-- Locked invitations are read again by the next call.
create or replace function internal.announce_expiries(kind text, max_count int)
returns int
language plpgsql
as $$
declare
  c_overlap constant interval := interval '15 minutes';
  v_notice accounts.expiry_notice;
  v_due bigint[];
  v_free bigint[];
  v_until timestamptz;
begin
  -- One call at a time: the others skip the locked row.
  select * into v_notice from accounts.expiry_notice as n where n.kind = announce_expiries.kind for update skip locked;
  if not found then
    return 0;
  end if;

  v_due := array(
    select i.key
    from accounts.invitation as i
    where i.status = 'Open'
      and i.expires_at > v_notice.noticed_until - c_overlap
      and i.expires_at <= statement_timestamp() + v_notice.lead
      -- No reminder of an invitation that has expired, or whose reminder would be due when it is sent.
      and (announce_expiries.kind = 'expired'
        or i.expires_at > statement_timestamp() and i.expires_at - i.sent_at > v_notice.lead)
      and not exists (
        select from accounts.outbox as o
        where o.invitation_key = i.key and o.topic = 'invitation.' || announce_expiries.kind)
    order by i.expires_at
    limit max_count);
  v_free := array(
    select i.key
    from accounts.invitation as i
    -- This condition for Open matches no partial index, so each row is found by its key.
    where i.key = any (v_due) and i.closed_at is null
    for no key update skip locked);

  insert into accounts.outbox (topic, invitation_key, delivery)
  select 'invitation.' || announce_expiries.kind, i.key,
    case announce_expiries.kind when 'reminder' then 'Queued'::accounts.delivery_status end
  from accounts.invitation as i
  where i.key = any (v_free)
  order by i.expires_at
  on conflict (invitation_key, topic) where topic in ('invitation.reminder', 'invitation.expired') do nothing;

  -- The expiry of the first invitation that was skipped; without one the end of the interval, or the last expiry if
  -- max_count was reached.
  select coalesce(
    min(i.expires_at) filter (where i.key <> all (v_free)),
    case when cardinality(v_due) < max_count then statement_timestamp() + v_notice.lead else max(i.expires_at) end)
  into v_until
  from accounts.invitation as i
  where i.key = any (v_due) and i.closed_at is null;
  update accounts.expiry_notice as n
  set noticed_until = greatest(n.noticed_until, v_until)
  where n.kind = announce_expiries.kind;
  if cardinality(v_free) > 0 then
    perform internal.notify_listeners();
  end if;
  return cardinality(v_free);
end
$$;
