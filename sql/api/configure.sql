create or replace function api.configure(settings jsonb default '{}')
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_limits constant text[] := array['token', 'account', 'recipient'];
  v_errors jsonb;
begin
  perform internal.require_shape(settings, 'configure');
  select jsonb_object_agg(l.name, jsonb_build_array(l.message)) into v_errors
  from (
    select t.name, 'is not between 1 minute and 366 days'
    from unnest(array['invitation.lifetime', 'idempotency.lifetime']) as t (name)
    where (settings ->> t.name)::interval not between interval '1 minute' and interval '366 days'
    union all
    select t.name, 'is not 1 to 1000000 per 1 minute to 366 days'
    from unnest(c_limits) as k (kind)
    cross join lateral (select 'limit.' || k.kind as name, nullif(settings ->> ('limit.' || k.kind), 'none') as given)
      as t
    where split_part(t.given, ' per ', 1)::int not between 1 and 1000000
      or split_part(t.given, ' per ', 2)::interval not between interval '1 minute' and interval '366 days'
  ) as l (name, message);
  if v_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', v_errors);
  end if;

  update accounts.settings as s
  set invitation_url_base = coalesce(settings ->> 'invitation.urlBase', s.invitation_url_base),
      invitation_lifetime = coalesce((settings ->> 'invitation.lifetime')::interval, s.invitation_lifetime),
      idempotency_lifetime = coalesce((settings ->> 'idempotency.lifetime')::interval, s.idempotency_lifetime)
  where jsonb_strip_nulls(settings) <> '{}';
  if found then
    delete from accounts.invitation_limit as l where settings ->> ('limit.' || l.kind) = 'none';
    insert into accounts.invitation_limit as l (kind, invitations, period)
    select k.kind, split_part(t.given, ' per ', 1)::int, split_part(t.given, ' per ', 2)::interval
    from unnest(c_limits) as k (kind)
    cross join lateral (select nullif(settings ->> ('limit.' || k.kind), 'none') as given) as t
    where t.given is not null
    on conflict (kind) do update set invitations = excluded.invitations, period = excluded.period;
    perform internal.audit('settings.changed', internal.caller_actor(), 'settings', null);
  end if;

  return (
    select json_build_object(
      'invitation.urlBase', s.invitation_url_base,
      'invitation.lifetime', internal.lifetime_text(s.invitation_lifetime),
      'idempotency.lifetime', internal.lifetime_text(s.idempotency_lifetime),
      'limit.token', internal.limit_text('token'),
      'limit.account', internal.limit_text('account'),
      'limit.recipient', internal.limit_text('recipient'))
    from accounts.settings as s);
end
$$;

comment on function api.configure(jsonb) is
'Changes the settings given and returns all of them. {"invitation.urlBase": "https://portal.example/invitations",
"invitation.lifetime": "7 days", "idempotency.lifetime": "1 days"}: an invitation''s url is
<urlBase>/<account user id>/<code>; it can be accepted for the lifetime after it was last sent; an answer is given again
to its idempotency key for the other lifetime.
"limit.token", "limit.account", "limit.recipient": "none" (the default) or such as "20 per 1 days": how many
invitations, those sent again among them, a token may make, and an account and a person (in all accounts) may get: so
many at once, and after that one each twentieth of the time. Raises PT400.';

grant execute on function api.configure(jsonb) to accountsd_dba;
