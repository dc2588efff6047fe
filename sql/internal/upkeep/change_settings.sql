-- Every value of api.configure's settings that is out of range; null if none is. Their shapes have been checked
-- before.
create or replace function internal.settings_errors(settings jsonb)
returns jsonb
language sql stable
as $$
  select jsonb_object_agg(e.name, jsonb_build_array(e.message))
  from (
    select t.name, 'is not between 1 minute and 366 days'
    from unnest(array['invitation.lifetime', 'idempotency.lifetime', 'invitation.reminder']) as t (name)
    where nullif(settings ->> t.name, 'none')::interval not between interval '1 minute' and interval '366 days'
    union all
    select t.name, 'is not between 1 minute and 7 days'
    from unnest(array['mail.retryInterval', 'mail.maxRetryInterval']) as t (name)
    where (settings ->> t.name)::interval not between interval '1 minute' and interval '7 days'
    union all
    select 'mail.maxRetryInterval', 'is shorter than mail.retryInterval'
    from accounts.settings as s
    where coalesce((settings ->> 'mail.maxRetryInterval')::interval, s.mail_retry_interval_max)
      < coalesce((settings ->> 'mail.retryInterval')::interval, s.mail_retry_interval)
    union all
    select 'mail.attempts', 'is not 1 to 100'
    where (settings -> 'mail.attempts')::bigint not between 1 and 100
    union all
    select 'limit.set', 'is not 64 to 10000'
    where (settings -> 'limit.set')::bigint not between 64 and 10000
    union all
    select 'limit.filter', 'is not 1 to 10000'
    where (settings -> 'limit.filter')::bigint not between 1 and 10000
    union all
    select 'limit.page', 'is not 64 to 1000000'
    where (settings -> 'limit.page')::bigint not between 64 and 1000000
    union all
    select 'limit.examined', 'is not 1000 to 1000000000'
    where (settings -> 'limit.examined')::bigint not between 1000 and 1000000000
    union all
    select t.name, 'is not 1 to 1000000 per 1 minute to 366 days'
    from unnest(array['token', 'account', 'recipient']) as k (kind)
    cross join lateral (select 'limit.' || k.kind as name, nullif(settings ->> ('limit.' || k.kind), 'none') as given)
      as t
    where split_part(t.given, ' per ', 1)::int not between 1 and 1000000
      or split_part(t.given, ' per ', 2)::interval not between interval '1 minute' and interval '366 days'
  ) as e (name, message)
$$;

-- Changes the given settings of api.configure; raises PT400.
create or replace function internal.change_settings(settings jsonb)
returns void
language plpgsql
as $$
declare
  c_errors constant jsonb := internal.settings_errors(settings);
  c_limits constant text[] := array['token', 'account', 'recipient'];
begin
  if c_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', c_errors);
  end if;

  update accounts.settings as s
  set invitation_url_base = coalesce(settings ->> 'invitation.urlBase', s.invitation_url_base),
      invitation_lifetime = coalesce((settings ->> 'invitation.lifetime')::interval, s.invitation_lifetime),
      idempotency_lifetime = coalesce((settings ->> 'idempotency.lifetime')::interval, s.idempotency_lifetime),
      set_limit = coalesce((settings -> 'limit.set')::int, s.set_limit),
      filter_limit = coalesce((settings -> 'limit.filter')::int, s.filter_limit),
      page_limit = coalesce((settings -> 'limit.page')::int, s.page_limit),
      examined_limit = coalesce((settings -> 'limit.examined')::int, s.examined_limit),
      mail_attempts = coalesce((settings -> 'mail.attempts')::int, s.mail_attempts),
      mail_retry_interval = coalesce((settings ->> 'mail.retryInterval')::interval, s.mail_retry_interval),
      mail_retry_interval_max =
        coalesce((settings ->> 'mail.maxRetryInterval')::interval, s.mail_retry_interval_max);

  delete from accounts.invitation_limit as l where settings ->> ('limit.' || l.kind) = 'none';
  insert into accounts.invitation_limit as l (kind, invitations, period)
  select k.kind, split_part(t.given, ' per ', 1)::int, split_part(t.given, ' per ', 2)::interval
  from unnest(c_limits) as k (kind)
  cross join lateral (select nullif(settings ->> ('limit.' || k.kind), 'none') as given) as t
  where t.given is not null
  on conflict (kind) do update set invitations = excluded.invitations, period = excluded.period;

  -- A notice that is switched on starts now, so that nothing is sent for invitations that expired before. If the lead
  -- becomes shorter, the interval that the longer one covered is read again.
  delete from accounts.expiry_notice as n
  where n.kind = 'reminder' and settings ->> 'invitation.reminder' = 'none'
    or n.kind = 'expired' and settings -> 'invitation.expiredEvent' = 'false';
  insert into accounts.expiry_notice as n (kind, lead, noticed_until)
  select g.kind, g.lead, now() + g.lead
  from (values
    ('reminder', nullif(settings ->> 'invitation.reminder', 'none')::interval),
    ('expired', case when settings -> 'invitation.expiredEvent' = 'true' then interval '0' end)
  ) as g (kind, lead)
  where g.lead is not null
  on conflict (kind) do update
  set lead = excluded.lead, noticed_until = least(n.noticed_until, excluded.noticed_until);
end
$$;

-- All settings, in the form that api.configure takes.
create or replace function internal.settings_object()
returns json
language sql stable
as $$
  select json_build_object(
    'invitation.urlBase', s.invitation_url_base,
    'invitation.lifetime', internal.lifetime_text(s.invitation_lifetime),
    'invitation.reminder', coalesce(
      (select internal.lifetime_text(n.lead) from accounts.expiry_notice as n where n.kind = 'reminder'), 'none'),
    'invitation.expiredEvent', exists (select from accounts.expiry_notice as n where n.kind = 'expired'),
    'mail.attempts', s.mail_attempts,
    'mail.retryInterval', internal.lifetime_text(s.mail_retry_interval),
    'mail.maxRetryInterval', internal.lifetime_text(s.mail_retry_interval_max),
    'idempotency.lifetime', internal.lifetime_text(s.idempotency_lifetime),
    'limit.token', internal.limit_text('token'),
    'limit.account', internal.limit_text('account'),
    'limit.recipient', internal.limit_text('recipient'),
    'limit.set', s.set_limit,
    'limit.filter', s.filter_limit,
    'limit.examined', s.examined_limit,
    'limit.page', s.page_limit)
  from accounts.settings as s
$$;
