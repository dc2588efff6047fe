-- api.check for the rows of tables. Memberships are checked on a sample of pages unless whole is true.
create or replace function internal.check_memberships(whole boolean)
returns table (what text, detail text, repair text)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  -- A number of memberships that takes about a second.
  c_sample constant double precision := 10000;
  c_percentage constant double precision := (
    select case when whole or c.reltuples <= c_sample then 100 else 100 * c_sample / c.reltuples end
    from pg_class as c
    where c.oid = 'accounts.account_user'::regclass);
begin
  return query
  select 'member_count', format('%s has %s members, and %s are kept', internal.account_id(a.key),
    coalesce(u.members, 0), coalesce(c.members, 0)), 'select api.repair(''member_count'')'
  from accounts.account as a
  left join (
    select m.account_key, count(*) as members from accounts.account_user as m where m.status <> 'Removed' group by 1
  ) as u on u.account_key = a.key
  left join (
    select m.account_key, sum(m.members) as members from accounts.member_count as m group by 1
  ) as c on c.account_key = a.key
  where coalesce(u.members, 0) <> coalesce(c.members, 0);

  return query
  select w.what, format(w.detail, min(internal.account_user_id(u.key)), count(*)),
    case when w.is_repaired then format('select api.repair(%L)', w.what) end
  from accounts.account_user as u tablesample system (c_percentage)
  join accounts.person as p on p.key = u.person_key
  cross join lateral (select internal.email_key(u.email) as email_key) as k
  cross join lateral (
    select 'email_key', '%s and %s in all have a person whose email_key is not that of their address', true
    where k.email_key <> p.email_key
      and not exists (select from accounts.person as o where o.email_key = k.email_key)
    union all
    select 'email_key_taken', '%s and %s in all have a person whose email_key is not that of their address, which is '
      'another person''s', false
    where k.email_key <> p.email_key
      and exists (select from accounts.person as o where o.email_key = k.email_key)
    union all
    select 'sort_name', '%s and %s in all have a sort_name that is not that of their name', true
    where u.sort_name <> internal.sort_name(u.first_name, u.last_name)
  ) as w (what, detail, is_repaired)
  group by w.what, w.detail, w.is_repaired;

  return query
  select w.what, w.detail, w.repair
  from accounts.account_user as u tablesample system (c_percentage)
  join accounts.account as a on a.key = u.account_key
  cross join lateral (select internal.account_user_id(u.key) as id) as m
  left join accounts.invitation as i on i.account_user_key = u.key and i.status = 'Open'
  cross join lateral (
    select 'invitation_closed', format('%s is Invited and has no open invitation', m.id),
      format('select api.send_new_account_user_invite(%L)', m.id)
    where u.status = 'Invited' and i.key is null and a.status <> 'Disabled'
    union all
    select 'invitation_open', format('%s is %s and has an open invitation', m.id, u.status),
      'select api.repair(''invitation_open'')'
    where u.status <> 'Invited' and i.key is not null
    union all
    select 'invitation_mail', format('the open invitation of %s has no mail', m.id),
      format('select api.%s(%L)', case when i.expires_at > statement_timestamp() then 'resend_account_user_invite'
        else 'send_new_account_user_invite' end, m.id)
    where u.status = 'Invited' and a.status <> 'Disabled' and i.key is not null
      and not exists (
        select from accounts.outbox as o where o.invitation_key = i.key and o.topic = 'invitation.mail')
  ) as w (what, detail, repair)
  order by 1, 2
  limit 100;

  return query
  select 'events', format('%s events have waited for their position since %s', count(*),
    internal.timestamp_text(min(o.created_at))), 'select api.number_events()'
  from (
    select n.created_at
    from accounts.outbox as n
    where n.key > (select h.settled_key from accounts.event_horizon as h)
      and n.created_at < statement_timestamp() - interval '5 minutes'
      and not exists (select from accounts.event as e where e.outbox_key = n.key)
    limit 1000
  ) as o
  having count(*) > 0;
end
$$;
