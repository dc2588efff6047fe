create or replace function api.configure(settings jsonb default '{}')
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_errors jsonb;
begin
  perform internal.require_shape(settings, 'configure');
  select jsonb_object_agg(l.name, jsonb_build_array('is not between 1 minute and 366 days')) into v_errors
  from unnest(array['invitation.lifetime', 'idempotency.lifetime']) as l (name)
  where (settings ->> l.name)::interval not between interval '1 minute' and interval '366 days';
  if v_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', v_errors);
  end if;

  update accounts.settings as s
  set invitation_url_base = coalesce(settings ->> 'invitation.urlBase', s.invitation_url_base),
      invitation_lifetime = coalesce((settings ->> 'invitation.lifetime')::interval, s.invitation_lifetime),
      idempotency_lifetime = coalesce((settings ->> 'idempotency.lifetime')::interval, s.idempotency_lifetime)
  where jsonb_strip_nulls(settings) <> '{}';
  if found then
    perform internal.audit('settings.changed', internal.caller_actor(), 'settings', null);
  end if;

  return (
    select json_build_object(
      'invitation.urlBase', s.invitation_url_base,
      'invitation.lifetime', internal.lifetime_text(s.invitation_lifetime),
      'idempotency.lifetime', internal.lifetime_text(s.idempotency_lifetime))
    from accounts.settings as s);
end
$$;

comment on function api.configure(jsonb) is
'Changes the settings given and returns all of them. {"invitation.urlBase": "https://portal.example/invitations",
"invitation.lifetime": "7 days", "idempotency.lifetime": "1 days"}: an invitation''s url is
<urlBase>/<account user id>/<code>; it can be accepted for the lifetime after it was last sent; an answer is given again
to its idempotency key for the other lifetime. Raises PT400.';

grant execute on function api.configure(jsonb) to accountsd_dba;
