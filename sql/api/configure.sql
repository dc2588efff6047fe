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
'Changes the given settings and returns all of them.
"invitation.urlBase" ("https://portal.example/invitations"): the url of an invitation is
<urlBase>/<account user id>/<code>. "invitation.lifetime" ("7 days"): how long an invitation can be accepted after it
was last sent. "invitation.reminder": "none" (the default), or how long before its expiry a second mail is sent.
"invitation.expiredEvent" (false): whether an expiry is an event.
"mail.attempts" (15): the number of attempts before a mail is given up. "mail.retryInterval" ("1 minutes"): the delay
after the first failed attempt, which doubles with each, up to "mail.maxRetryInterval" ("240 minutes").
"idempotency.lifetime" ("1 days"): how long the response to a request with an idempotency key is stored.
"limit.token", "limit.account", "limit.recipient": "none" (the default) or, for example, "20 per 1 days": how many
invitations, including those sent again, a token may make, an account may make, and a person may get in all accounts. A
limit is a leaky bucket: 20 at once, and then one in each twentieth of the period.
"limit.set" (1000): the number of requests in one call of api.create_account_users. "limit.filter" (50): the cost of
the filter of a list, in which any(), all() and a field of a collection cost 10, any other expression 1, and ten values
in lists 1. "limit.examined" (10000): the number of memberships that a list may examine, as the planner estimates.
"limit.page" (512): the size in kB of the groups, buyers, modules and audit in a page. Raises PT400, PT401.';

grant execute on function api.configure(jsonb) to accountsd_dba;
