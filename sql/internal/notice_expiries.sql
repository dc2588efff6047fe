-- Puts one kind of notice ('reminder', 'expired') into the outbox for invitations whose time for it has come, at most
-- max_count; returns how many. Only what expires after noticed_until is looked at, and what expired a little before: a
-- transaction that was long about it may have come to it late.
create or replace function internal.notice_expiries(kind text, max_count int)
returns int
language plpgsql
as $$
declare
  c_overlap constant interval := interval '15 minutes';
  v_notice accounts.expiry_notice;
  v_count bigint;
  v_last timestamptz;
begin
  -- One at a time, and nobody waits: whoever has the row does it.
  select * into v_notice from accounts.expiry_notice as n where n.kind = notice_expiries.kind for update skip locked;
  if not found then
    return 0;
  end if;

  with due as materialized (
    select i.key, i.expires_at
    from accounts.invitation as i
    where i.status = 'Open'
      and i.expires_at > v_notice.noticed_until - c_overlap
      and i.expires_at <= statement_timestamp() + v_notice.lead
      -- A reminder of what has expired is none; nor is one that comes with the invitation.
      and (notice_expiries.kind = 'expired'
        or i.expires_at > statement_timestamp() and i.expires_at - i.sent_at > v_notice.lead)
      and not exists (
        select from accounts.outbox as o
        where o.invitation_key = i.key and o.topic = 'invitation.' || notice_expiries.kind)
    order by i.expires_at
    limit max_count
  ),
  noticed as (
    insert into accounts.outbox (topic, invitation_key, delivery)
    select 'invitation.' || notice_expiries.kind, d.key,
      case notice_expiries.kind when 'reminder' then 'Queued'::accounts.delivery_status end
    from due as d
    order by d.expires_at
    on conflict (invitation_key, topic) where topic in ('invitation.reminder', 'invitation.expired') do nothing
  )
  select count(*), max(d.expires_at) into v_count, v_last from due as d;

  update accounts.expiry_notice as n
  set noticed_until = greatest(n.noticed_until,
    case when v_count < max_count then statement_timestamp() + n.lead else v_last end)
  where n.kind = notice_expiries.kind;
  if v_count > 0 then
    perform internal.wake_readers();
  end if;
  return v_count::int;
end
$$;
