begin;
\ir lib/fixture.sql
select plan(43);

set local role accountsd_dba;
select api.configure('{"invitation.urlBase": "https://portal.example/welcome", "invitation.lifetime": "36 hours"}')
  as answer \gset
reset role;

select is(
  :'answer'::jsonb, '{"invitation.urlBase": "https://portal.example/welcome", "invitation.lifetime": "2160 minutes",
    "invitation.reminder": "none", "invitation.expiredEvent": false, "mail.attempts": 15,
    "mail.retryInterval": "1 minutes", "mail.maxRetryInterval": "240 minutes",
    "idempotency.lifetime": "1 days", "limit.token": "none", "limit.account": "none", "limit.recipient": "none",
    "limit.set": 1000, "limit.filter": 50, "limit.examined": 10000, "limit.page": 512}',
  'the answer has every setting');
select is(
  (select jsonb_build_object('base', s.invitation_url_base, 'lifetime', extract(epoch from s.invitation_lifetime))
    from accounts.settings as s),
  '{"base": "https://portal.example/welcome", "lifetime": 129600.000000}', 'the settings are kept');
select is(
  (select jsonb_build_object('actor', r.actor, 'role', r.database_role, 'account', r.account_key, 'trace', r.trace_id)
    from accounts.audit_record as r where r.action = 'settings.changed' order by r.key desc limit 1),
  '{"actor": {"name": "accountsd_dba"}, "role": "accountsd_dba", "account": null, "trace": null}',
  'there is an audit record');

select pg_temp.contents() as before \gset
set local role accountsd_dba;
select is(api.configure()::jsonb, :'answer', 'without arguments the settings are given');
select is(api.configure('{}')::jsonb, :'answer', 'with nothing to change too');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and nothing is changed');
set local role accountsd_dba;
select is(
  api.configure('{"invitation.urlBase": null, "invitation.lifetime": null}')::jsonb, :'answer',
  'null counts as left out');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'and changes nothing, the audit included');

set local role accountsd_dba;
select is(
  api.configure('{"invitation.lifetime": "7 days"}')::jsonb,
  :'answer'::jsonb || '{"invitation.lifetime": "7 days"}',
  'one setting is changed without the other');
select is(
  api.configure(jsonb_build_object('limit.account', l.given)) ->> 'limit.account', l.shown,
  format('a limit may be %s', l.given))
from (values ('1 per 1 minute', '1 per 1 minutes'), ('1000000 per 366 days', '1000000 per 366 days'),
  ('20 per 24 hours', '20 per 1 days')) as l (given, shown);
select is(
  api.configure('{"limit.token": "5 per 1 day"}')::jsonb,
  :'answer'::jsonb
    || '{"invitation.lifetime": "7 days", "limit.token": "5 per 1 days", "limit.account": "20 per 1 days"}',
  'one limit is set without the other');
select is(
  api.configure('{"limit.token": null, "limit.account": "none"}')::jsonb,
  :'answer'::jsonb || '{"invitation.lifetime": "7 days", "limit.token": "5 per 1 days"}',
  'and lifted without the other');
select is(
  api.configure(jsonb_build_object('invitation.lifetime', l.given)) ->> 'invitation.lifetime', l.shown,
  format('a lifetime may be %s', l.given))
from (values ('1 minute', '1 minutes'), ('366 days', '366 days'), ('24 hours', '1 days'), ('90 minutes', '90 minutes'))
  as l (given, shown);
select is(
  api.configure(jsonb_build_object('invitation.urlBase', u.url)) ->> 'invitation.urlBase', u.url,
  format('a base may be %s', u.url))
from (values ('http://127.0.0.1:8080/invitations'), ('https://portal.example'), ('http://[::1]:8080/a/b')) as u (url);

select api.configure('{"invitation.urlBase": "https://one.example/join", "invitation.lifetime": "90 minutes"}')
  \gset ignored_
select api.create_account_user(pg_temp.invitation('ada@example.com', :'client')) as invited \gset
select matches(
  :'invited'::json #>> '{invitation,url}', '^https://one\.example/join/AUSR-[0-9-]{14}/[A-Za-z0-9_-]{43}$',
  'an invitation''s url begins with the base');
reset role;
select is(
  (select i.expires_at - i.sent_at from accounts.invitation as i order by i.key desc limit 1), interval '90 minutes',
  'an invitation expires after the lifetime');

select pg_temp.contents() as before \gset
set local role accountsd_dba;
select is(pg_temp.problem(format('select api.configure(%L)', t.settings)), pg_temp.invalid(t.errors), t.name)
from (values
  ('{"invitation.lifetime": "59 minutes 60 seconds"}'::jsonb,
    '{"invitation.lifetime": ["is not a number of minutes, hours or days such as 7 days"]}'::jsonb,
    'a lifetime is one number and one unit'),
  ('{"invitation.lifetime": "soon"}',
    '{"invitation.lifetime": ["is not a number of minutes, hours or days such as 7 days"]}',
    'a lifetime is a length of time'),
  ('{"invitation.lifetime": ""}',
    '{"invitation.lifetime": ["is not a number of minutes, hours or days such as 7 days"]}',
    'a lifetime is not empty'),
  ('{"invitation.lifetime": 7}', '{"invitation.lifetime": ["is not a string"]}', 'a lifetime is no bare number'),
  ('{"invitation.lifetime": true}', '{"invitation.lifetime": ["is not a string"]}', 'nor true'),
  ('{"invitation.lifetime": {"days": 7}}', '{"invitation.lifetime": ["is not a string"]}', 'nor an object'),
  ('{"invitation.lifetime": "0 minutes"}', '{"invitation.lifetime": ["is not between 1 minute and 366 days"]}',
    'a lifetime is a minute at least'),
  ('{"invitation.lifetime": "367 days"}', '{"invitation.lifetime": ["is not between 1 minute and 366 days"]}',
    'a lifetime is 366 days at most'),
  ('{"invitation.urlBase": "ftp://portal.example"}',
    '{"invitation.urlBase": ["is not an http or https URL without query, fragment and final slash"]}',
    'a base is http or https'),
  ('{"invitation.urlBase": "https://portal.example/"}',
    '{"invitation.urlBase": ["is not an http or https URL without query, fragment and final slash"]}',
    'a base has no final slash'),
  ('{"invitation.urlBase": "https://portal.example/a?b=c"}',
    '{"invitation.urlBase": ["is not an http or https URL without query, fragment and final slash"]}',
    'a base has no query'),
  ('{"limit.token": "20"}',
    '{"limit.token": ["is not none, nor a number and a length of time such as 20 per 1 days"]}',
    'a limit has a length of time'),
  ('{"limit.token": "many per 1 day"}',
    '{"limit.token": ["is not none, nor a number and a length of time such as 20 per 1 days"]}',
    'a limit has a number'),
  ('{"limit.token": "0 per 1 day", "limit.account": "1000001 per 1 day", "limit.recipient": "1 per 367 days"}',
    '{"limit.token": ["is not 1 to 1000000 per 1 minute to 366 days"],
      "limit.account": ["is not 1 to 1000000 per 1 minute to 366 days"],
      "limit.recipient": ["is not 1 to 1000000 per 1 minute to 366 days"]}',
    'a limit is one at least and a million at most'),
  ('{"limit.token": "1 per 0 minutes", "invitation.lifetime": "0 days"}',
    '{"limit.token": ["is not 1 to 1000000 per 1 minute to 366 days"],
      "invitation.lifetime": ["is not between 1 minute and 366 days"]}',
    'every mistake of length at once'),
  ('{"invitation.urlBase": "not a url", "invitation.lifetime": "7", "colour": "red"}',
    '{"invitation.urlBase": ["is not an http or https URL without query, fragment and final slash"],
      "invitation.lifetime": ["is not a number of minutes, hours or days such as 7 days"],
      "colour": ["is not a known field"]}', 'every mistake is reported at once'),
  ('[]', '{"$": ["is not an object"]}', 'settings are an object')
) as t (settings, errors, name);
select is(
  pg_temp.problem('select api.configure(null)'), pg_temp.invalid('{"$": ["is not an object"]}'), 'null is no object');
reset role;
select is(pg_temp.changes(:'before'), '{}'::text[], 'refused settings change nothing');

set local role accountsd_server;
select throws_ok('select api.configure()', '42501', null, 'the server may not');
reset role;

select * from finish();
rollback;
