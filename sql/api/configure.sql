create or replace function api.configure(settings jsonb default '{}')
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lifetime interval;
begin
  perform internal.require_shape(settings, 'configure');
  v_lifetime := (settings ->> 'invitation.lifetime')::interval;
  if v_lifetime not between interval '1 minute' and interval '366 days' then
    perform internal.raise_problem(400, 'The request is not valid.',
      '{"invitation.lifetime": ["is not between 1 minute and 366 days"]}');
  end if;

  update accounts.settings as s
  set invitation_url_base = coalesce(settings ->> 'invitation.urlBase', s.invitation_url_base),
      invitation_lifetime = coalesce(v_lifetime, s.invitation_lifetime)
  where jsonb_strip_nulls(settings) <> '{}';
  if found then
    perform internal.audit('settings.changed', internal.caller_actor(), 'settings', null);
  end if;

  return (
    select json_build_object(
      'invitation.urlBase', s.invitation_url_base,
      'invitation.lifetime', case
        when extract(epoch from s.invitation_lifetime)::bigint % 86400 = 0
          then extract(epoch from s.invitation_lifetime)::bigint / 86400 || ' days'
        else extract(epoch from s.invitation_lifetime)::bigint / 60 || ' minutes'
      end)
    from accounts.settings as s);
end
$$;

comment on function api.configure(jsonb) is
'Changes the settings given and returns all of them. {"invitation.urlBase": "https://portal.example/invitations",
"invitation.lifetime": "7 days"}: an invitation''s url is <urlBase>/<account user id>/<code>; it can be accepted for the
lifetime after it was last sent. Raises PT400.';

grant execute on function api.configure(jsonb) to accountsd_dba;
