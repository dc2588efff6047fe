-- Puts one kind of notice ('reminder', 'expired') into the outbox for invitations whose time for it has come, at most
-- max_count; returns how many. Only what expires after noticed_until is looked at, and what expired a little before: a
-- transaction that was long about it may have come to it late.
--
-- It waits for nobody: a transaction that has an invitation locked may be closing it, and then gives the notice of its
-- end itself. What was locked is looked at again the next time.
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
  -- One at a time: whoever has the row does it.
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
      -- A reminder of what has expired is none; nor is one that comes with the invitation.
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
    -- Open, in words that no partial index has, so that each is found by its key.
    where i.key = any (v_due) and i.closed_at is null
    for no key update skip locked);

  insert into accounts.outbox (topic, invitation_key, delivery)
  select 'invitation.' || announce_expiries.kind, i.key,
    case announce_expiries.kind when 'reminder' then 'Queued'::accounts.delivery_status end
  from accounts.invitation as i
  where i.key = any (v_free)
  order by i.expires_at
  on conflict (invitation_key, topic) where topic in ('invitation.reminder', 'invitation.expired') do nothing;

  -- Up to the first that was left, or else the last of as many as there may be.
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
