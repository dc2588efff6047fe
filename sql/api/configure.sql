create or replace function api.configure(settings jsonb default '{}')
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
begin
  perform internal.require_shape(settings, 'configure');
  if jsonb_strip_nulls(settings) <> '{}' then
    perform internal.change_settings(jsonb_strip_nulls(settings));
    perform internal.record_audit('settings.changed', c_actor, 'settings', null);
  end if;
  return internal.settings_object();
end
$$;

comment on function api.configure(jsonb) is
'Changes the settings given and returns all of them.
"invitation.urlBase" ("https://portal.example/invitations"): an invitation''s url is <urlBase>/<account user id>/<code>.
"invitation.lifetime" ("7 days"): for how long it can be accepted after it was last sent. "invitation.reminder": "none"
(the default) or how long before it expires a second mail goes out. "invitation.expiredEvent": whether there is an event
when it has expired; false by default.
"mail.attempts" (15): how often a mail is tried before it is given up. "mail.retryInterval" ("1 minutes"),
"mail.maxRetryInterval" ("240 minutes"): how long after the first attempt the next one comes, twice as long after each,
and at most how long.
"idempotency.lifetime" ("1 days"): for how long an answer is given again to its idempotency key.
"limit.token", "limit.account", "limit.recipient": "none" (the default) or such as "20 per 1 days": how many
invitations, those sent again among them, a token may make, and an account and a person (in all accounts) may get: so
many at once, and after that one each twentieth of the time.
"limit.set" (1000): how many requests a call of api.create_account_users may have. "limit.filter" (100): what the filter
of a list may cost, of which any(), all() and a field of a collection have 10, any other expression 1 and ten values in
lists 1. Raises PT400, PT401.';

grant execute on function api.configure(jsonb) to accountsd_dba;
