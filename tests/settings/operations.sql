-- Calls every operation, prints each answer on a line, and rolls everything back. The output must not depend on
-- settings, except ids, codes and times, which tests/settings/run masks. Literals contain no backslash, because some of
-- the settings change its meaning; \u005c stands for one.
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
begin isolation level read committed;

create temp table made (name text primary key, answer jsonb);

-- Converts to ASCII, so that the encoding of the client has no effect.
create function pg_temp.shown(value text)
returns text
language sql
as $$ select encode(convert_to(value, 'UTF8'), 'escape') $$;

-- Calls as a role, prints the answer and stores it under a name.
create function pg_temp.run(name text, role text, call text)
returns text
language plpgsql
as $$
declare
  v_answer text;
  v_state text;
  v_message text;
  v_detail text;
  v_hint text;
begin
  begin
    perform set_config('role', role, true);
    execute 'select string_agg(a.answer::text, chr(10)) from (' || call || ') as a (answer)' into v_answer;
    perform set_config('role', 'none', true);
  exception
    when others then
      get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
        v_hint = pg_exception_hint;
      return pg_temp.shown(concat_ws(' | ', run.name, v_state, v_message, v_detail, v_hint));
  end;
  if starts_with(v_answer, '{') and position(chr(10) || '{' in v_answer) = 0 then
    insert into made values (run.name, v_answer::jsonb);
  end if;
  return pg_temp.shown(run.name || ' | ' || coalesce(v_answer, ''));
end
$$;

create function pg_temp.id(name text, variadic path text[] default '{id}')
returns text
language sql
as $$ select m.answer #>> path from made as m where m.name = id.name $$;

create function pg_temp.code(name text)
returns jsonb
language sql
as $$ select jsonb_build_object('code', substring(pg_temp.id(code.name, 'invitation', 'url') from '[^/]*$')) $$;

create function pg_temp.token(name text)
returns text
language sql
as $$
  select split_part(t.text, ':', 2) || ':' || encode(sha256(convert_to(split_part(t.text, ':', 3), 'UTF8')), 'hex')
  from (select pg_temp.id(token.name, 'token') as text) as t
$$;

create function pg_temp.person(email text)
returns jsonb
language sql
as $$
  select jsonb_build_object('user', jsonb_build_object('email', email, 'firstName', $j$ O'Brien $j$,
    'lastName', 'Zo' || chr(235),
    'phone', jsonb '{"prefix": "+43", "number": "0664"}',
    'settings', jsonb '{"cultureCode": "de-AT", "languageCode": "de-AT"}'))
$$;

-- A number of days after which New York has changed between standard and daylight saving time.
select min(n) as days
from generate_series(1, 366) as n
where (now() at time zone 'America/New_York' + n * interval '1 day') at time zone 'America/New_York' - now()
  <> n * interval '24 hours' \gset

select pg_temp.run('configure', 'accountsd_dba', format($$ select api.configure(%L) $$, jsonb_build_object(
  'invitation.lifetime', :days || ' days', 'invitation.reminder', :days - 1 || ' days', 'invitation.expiredEvent', true,
  'idempotency.lifetime', '90 minutes', 'mail.retryInterval', '90 minutes', 'limit.recipient', '3 per 1 days')));
select pg_temp.run('wrong settings', 'accountsd_dba', $$ select api.configure($j${"invitation.lifetime": "\u0667 days",
  "invitation.urlBase": "https://a\u00a0b", "mail.attempts": 1.5, "limit.token": "1 per 0 days"}$j$) $$);
select pg_temp.run('account', 'accountsd_dba', $$ select api.create_account($j${"type": "Client",
  "name": "\u0130I\u0131 \u005c \u0027 \"A\"", "icon": "a\u005cb.png"}$j$) $$);
select pg_temp.run('wrong account', 'accountsd_dba',
  $$ select api.create_account($j${"type": "client", "name": "\u3000"}$j$) $$);
select pg_temp.run('module', 'accountsd_dba', format($$ select api.create_module(%L) $$, jsonb_build_object('name',
  'Module ' || gen_random_uuid(), 'settings', jsonb '{"paid": true, "type": ["NULL", null, "a,b"]}')));
select pg_temp.run('module', 'accountsd_dba', format($$ select api.create_module(%L) $$, jsonb_build_object('name',
  '12345678-1234-1234-1234-123456789012', 'settings', jsonb '{"paid": true, "type": ["NULL", "a,b", ""]}')));
select pg_temp.run('buyer', 'accountsd_dba', format($$ select api.create_buyer(%L) $$, jsonb_build_object(
  'account', jsonb_build_object('id', pg_temp.id('account')), 'name', 'North')));
select pg_temp.run('everyone', 'accountsd_dba', format($$ select api.create_user_group(%L) $$, jsonb_build_object(
  'account', jsonb_build_object('id', pg_temp.id('account')), 'name', 'Everyone', 'isDefault', true, 'allBuyers', true,
  'modules', jsonb_build_array(jsonb_build_object('id', pg_temp.id('module'))))));
select pg_temp.run('group', 'accountsd_dba', format($$ select api.create_user_group(%L) $$, jsonb_build_object(
  'account', jsonb_build_object('id', pg_temp.id('account')), 'name', 'Other',
  'buyers', jsonb_build_array(jsonb_build_object('id', pg_temp.id('buyer'))))));
select pg_temp.run('wrong group', 'accountsd_dba', format($$ select api.create_user_group(%L) $$, jsonb_build_object(
  'account', jsonb_build_object('id', pg_temp.id('account')), 'name', 'Wrong',
  'buyers', jsonb $j$[{"id": "BUY-\u0661\u0662\u0663\u0664-1234"}]$j$)));
select pg_temp.run('token', 'accountsd_dba', format($$ select api.create_api_token(%L) $$, jsonb_build_object(
  'account', jsonb_build_object('id', pg_temp.id('account')), 'name', 'Robot')));
select pg_temp.token('token') as token \gset

select pg_temp.run('create', 'accountsd_server', format($$ select api.create_account_user(%L, %L,
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01') $$, pg_temp.person('ada@example.com'), :'token'));
select pg_temp.run('create again', 'accountsd_server', format(
  $$ select api.create_account_user(%L, %L, query => 'select=-audit.created,-groups') $$,
  pg_temp.person('ADA@example.com'), :'token'));
select pg_temp.run('create with a key', 'accountsd_server', format(
  $$ select api.create_user(%L, %L, %L, idempotency_key => %L) $$,
  pg_temp.id('account'), pg_temp.person('b' || chr(246) || 'b@' || chr(246) || '.example'), :'token', 'a' || chr(92)));
select pg_temp.run('create with a key once more', 'accountsd_server', format(
  $$ select api.create_user(%L, %L, %L, idempotency_key => %L) $$,
  pg_temp.id('account'), pg_temp.person('b' || chr(246) || 'b@' || chr(246) || '.example'), :'token', 'a' || chr(92)));
select pg_temp.run('wrong create', 'accountsd_server', format($$ select api.create_account_user(%L, %L) $$,
  jsonb $j${"user": {"email": "a\u005cb@c", "firstName": "\u200e\u2028", "lastName": "\u3000",
    "phone": {"prefix": "+\u0664",
    "number": "\u0664\u0663"}, "settings": {"cultureCode": "de-\u0664", "languageCode": "de_AT"}},
    "groups": [{"id": "UGR-\u0661\u0662\u0663\u0664-1234"}], "account": {"id": "ACC-1234-123\u0664"}}$j$, :'token'));
select pg_temp.run('create a set', 'accountsd_server', format($$ select api.create_account_users(%L) $$,
  jsonb_build_array(
  jsonb_build_object('request', pg_temp.person('set1@example.com'), 'token', :'token'),
  jsonb_build_object('request', pg_temp.person('set2@example.com'), 'token', :'token', 'rollback', true),
  jsonb_build_object('request', pg_temp.person('ada@example.com'), 'token', :'token'),
  jsonb_build_object('request', pg_temp.person('ada@example.com'), 'token', :'token'), jsonb '7')));
select pg_temp.run('serve', 'accountsd_server', format($$ select api.serve(%L) $$, jsonb_build_array(
  jsonb_build_object('operation', 'get', 'kind', 'account_user', 'token', :'token',
    'accountUser', pg_temp.id('create')))));
select pg_temp.run('get', 'accountsd_dba', format($$ select api.get_account_user(%L) $$, pg_temp.id('create')));
select pg_temp.run('get by person', 'accountsd_dba', format($$ select api.get_user(%L, %L) $$, pg_temp.id('account'),
  pg_temp.id('create', 'user', 'id')));
select pg_temp.run('get by other digits', 'accountsd_dba', format($$ select api.get_account_user(%L) $$,
  'AUSR-' || repeat(chr(1636), 4) || '-1234-1234'));
select pg_temp.run('get_invitation', 'accountsd_server', format($$ select api.get_invitation(%L, %L) $$,
  pg_temp.id('create with a key', 'id'), pg_temp.code('create with a key') ->> 'code'));
select pg_temp.run('wrong code', 'accountsd_server', format($$ select api.accept_account_user_invite(%L, %L) $$,
  pg_temp.id('create again'), pg_temp.code('create')));
select pg_temp.run('accept', 'accountsd_server', format($$ select api.accept_account_user_invite(%L, %L) $$,
  pg_temp.id('create again'), pg_temp.code('create again')));
select pg_temp.run('resend', 'accountsd_server', format($$ select api.resend_user_invite(%L, %L, %L) $$,
  pg_temp.id('account'), pg_temp.id('create with a key', 'id'), :'token'));
select pg_temp.run('send_new', 'accountsd_server', format($$ select api.send_new_user_invite(%L, %L, %L) $$,
  pg_temp.id('account'), pg_temp.id('create with a key', 'id'), :'token'));
select pg_temp.run('accept by person', 'accountsd_server', format($$ select api.accept_user_invite(%L, %L, %L) $$,
  pg_temp.id('account'), pg_temp.id('create with a key', 'id'), pg_temp.code('resend')));
select pg_temp.run('add a group', 'accountsd_server', format($$ select api.add_account_user_group(%L, %L, %L) $$,
  pg_temp.id('create'), jsonb_build_object('id', pg_temp.id('group')), :'token'));
select pg_temp.run('replace groups', 'accountsd_server', format(
  $$ select api.replace_account_user_groups(%L, %L, %L) $$,
  pg_temp.id('create'), jsonb_build_array(jsonb_build_object('id', pg_temp.id('group')),
    jsonb_build_object('id', pg_temp.id('everyone'))), :'token'));
select pg_temp.run('replace groups of a person', 'accountsd_server', format(
  $$ select api.replace_user(%L, %L, %L, %L) $$,
  pg_temp.id('account'), pg_temp.id('create', 'user', 'id'), jsonb_build_object('groups', jsonb_build_array(
    jsonb_build_object('id', pg_temp.id('group')), jsonb_build_object('id', pg_temp.id('everyone')))), :'token'));
select pg_temp.run('take a group', 'accountsd_server', format($$ select api.take_account_user_group(%L, %L, %L) $$,
  pg_temp.id('create'), pg_temp.id('group'), :'token'));
select pg_temp.run('over a limit ' || n, 'accountsd_server', format($$ select api.create_account_user(%L, %L) $$,
  pg_temp.person('limit@example.com'), :'token'))
from generate_series(1, 4) as n;
select pg_temp.run('list ' || q.query, 'accountsd_dba', format(
  $$ select api.list_users(%L, %L) $$, pg_temp.id('account'),
  q.query))
from (values
  (''), ('select=+audit,-name&order=-name,+email'), ('order=-user.name'), ('limit=0'), ('limit=' || chr(1636)),
  ('email=like=*@EXAMPLE.com'), ('ilike(name,*' || chr(92) || '*o*)'), ('ilike(name,o*)'), ('like(name,o*)'),
  ('name=gt=O&name=lt=Z'), ('audit.created.at=gt=2020-01-31T12:00:00'), ('audit.created.at=lt=2020-01-31'),
  ('audit.created.at=gt=31.01.2020'), ('audit.created.at=gt=yesterday'),
  ('audit.created.at=gt=' || translate('2020-01-31', '0123', chr(1632) || chr(1633) || chr(1634) || chr(1635))),
  ('eq(name' || chr(160) || ',x)'), ('eq(' || chr(8195) || 'name' || chr(8195) || ',x)'), (chr(8195) || 'limit=1'),
  ('phone.number=null()'), ('phone.prefix=empty()'), ('in(status,(Active,Invited))'),
  ('any(groups,eq(isDefault,true))'), ('invitation.status=Invited'),
  ('eq(name,' || chr(39) || 'O' || chr(92) || chr(39) || 'Brien Zo' || chr(235) || chr(39) || ')')
) as q (query);
select pg_temp.run('claim', 'accountsd_delivery', $$ select api.claim_deliveries(3, '90 minutes') $$);
select pg_temp.run('complete', 'accountsd_delivery', format($$ select api.complete_deliveries(%L) $$, (
  select jsonb_agg(jsonb_build_object('id', o.key, 'attempt', o.attempts, 'outcome', 'Failed',
    'reason', 'a' || chr(92)))
  from accounts.outbox as o where o.claimed_at is not null)));
select pg_temp.run('backlog', 'accountsd_delivery', $$ select t.queued from api.delivery_backlog() as t $$);
select pg_temp.run('deliveries', 'accountsd_dba', format(
  $$ select api.list_deliveries(null, %L) $$, pg_temp.id('create')));
select pg_temp.run('announce', 'accountsd_delivery', $$ select api.announce_expiries(5) $$);
select pg_temp.run('number', 'accountsd_delivery', $$ select api.number_events(100) $$);
select pg_temp.run('events', 'accountsd_consumer', $$ select e.event from api.read_events((
  select max(i.position) - 5 from (select * from api.read_events(0, 1000)) as i), 5) as e $$);
select pg_temp.run('remove', 'accountsd_server', format($$ select api.remove_user(%L, %L, %L) $$, pg_temp.id('account'),
  pg_temp.id('create', 'user', 'id'), :'token'));
select pg_temp.run('disable', 'accountsd_dba', format($$ select api.disable_api_token(%L) $$, pg_temp.id('token')));
select pg_temp.run('disabled', 'accountsd_server', format($$ select api.list_account_users('', %L) $$, :'token'));
select pg_temp.run('version', 'accountsd_server', $$ select api.schema_version() $$);

-- The stored rows.
select 'invitations live for ' || extract(epoch from i.expires_at - i.sent_at) / 86400 - :days
  || ' days more than they should'
from accounts.invitation as i
join accounts.account_user as u on u.key = i.account_user_key
where u.account_key = internal.account_key(pg_temp.id('account'));
select 'retries come after ' || (extract(epoch from o.due_at - statement_timestamp()) between 2600 and 5500)::text
from accounts.outbox as o where o.reason = 'a' || chr(92);
select l.kind, l.invitations, extract(epoch from l.period) from accounts.invitation_limit as l;
select u.kind, round(u.used::numeric, 3) from accounts.invitation_use as u order by 1, 2;
select sum(c.members) from accounts.member_count as c
where c.account_key = internal.account_key(pg_temp.id('account'));
rollback;
