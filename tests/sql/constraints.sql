-- The rules of the data hold for every writer, even the owner of the tables.
begin;
\ir lib/fixture.sql
select plan(158);

set local role accountsd_dba;
select api.create_account_user(pg_temp.invitation('ada@example.com', :'client')) ->> 'id' as member \gset
reset role;

select
  internal.account_key(:'client') as client_key,
  internal.account_key(:'vendor') as vendor_key,
  internal.user_group_key(:'client_everyone') as everyone_key,
  internal.user_group_key(:'client_northern') as northern_key,
  internal.user_group_key(:'vendor_sales') as sales_key,
  internal.buyer_key(:'north') as north_key,
  internal.buyer_key(:'south') as south_key,
  internal.buyer_key(:'partner') as partner_key,
  m.key as member_key,
  m.person_key,
  i.key as invitation_key
from accounts.account_user as m
join accounts.invitation as i on i.account_user_key = m.key
where m.key = internal.account_user_key(:'member')
\gset

-- The constraint that refuses an insert of a row with these fields.
create function pg_temp.insert_violation(target text, fields jsonb)
returns text
language sql
as $$
  select pg_temp.violation(format(
    'insert into accounts.%I (%s) overriding system value '
      'select %s from jsonb_populate_record(null::accounts.%I, %L) as r',
    target, string_agg(quote_ident(f.name), ', '), string_agg('r.' || quote_ident(f.name), ', '), target, fields))
  from jsonb_object_keys(fields) as f (name)
$$;

create function pg_temp.link_violation(target text, variadic columns text[])
returns text
language sql
as $$
  select pg_temp.violation(format('insert into accounts.%I values (%s)', target, array_to_string(columns, ', ')))
$$;

-- The same for a row that is valid except for the changes.
create function pg_temp.spoilt(target text, changes jsonb)
returns text
language sql
as $$
  select pg_temp.insert_violation(target, case target
    when 'account' then '{"type": "Client", "name": "N", "created_by": {"name": "n"}}'::jsonb
    when 'module' then '{"name": "Constraint", "created_by": {"name": "n"}}'
    when 'person' then '{"email_key": "n@example.com"}'
    when 'audit_record' then '{"action": "a", "actor": {"name": "n"}, "database_role": "r", "object_id": "o"}'
    else '{"name": "N", "created_by": {"name": "n"}}'
  end || changes)
$$;

create function pg_temp.spoilt_invitation(member_key bigint, changes jsonb)
returns text
language sql
as $$
  select pg_temp.insert_violation('invitation', jsonb_build_object(
    'account_user_key', member_key, 'status', 'Superseded', 'code_sha256', sha256('x'), 'sent_at', now(),
    'expires_at', now() + interval '7 days', 'closed_at', now(), 'invited_by', '{"name": "n"}'::jsonb) || changes)
$$;

set local role accountsd_owner;

-- Links between objects of one account.
select is(
  pg_temp.link_violation('user_group_buyer', :'northern_key', :'partner_key', :'client_key'),
  'user_group_buyer_buyer_fkey', 'a buyer of another account cannot be linked to a group');
select is(
  pg_temp.link_violation('user_group_buyer', :'northern_key', :'partner_key', :'vendor_key'),
  'user_group_buyer_user_group_fkey', 'nor under the name of the other account');
select is(
  pg_temp.link_violation('account_user_group', :'member_key', :'sales_key', :'client_key'),
  'account_user_group_user_group_fkey', 'a group of another account cannot be linked to a member');
select is(
  pg_temp.link_violation('account_user_group', :'member_key', :'sales_key', :'vendor_key'),
  'account_user_group_account_user_fkey', 'nor under the name of the other account');
select is(
  pg_temp.link_violation('account_user_group', :'member_key', :'everyone_key', :'client_key'),
  'account_user_group_pkey', 'a group is linked to a member once');
select is(
  pg_temp.violation(
    format('update accounts.user_group set account_key = %s where key = %s', :vendor_key, :everyone_key)),
  'account_user_group_user_group_fkey', 'a group with members cannot move to another account');
select is(
  pg_temp.violation(format('update accounts.buyer set account_key = %s where key = %s', :vendor_key, :north_key)),
  'user_group_buyer_buyer_fkey', 'a buyer in a group cannot move to another account');
select is(
  pg_temp.violation(
    format('update accounts.account_user set account_key = %s where key = %s', :vendor_key, :member_key)),
  'account_user_group_account_user_fkey', 'a member of groups cannot move to another account');

-- A list of buyers or all of them.
select is(
  pg_temp.link_violation('user_group_buyer', :'everyone_key', :'south_key', :'client_key'),
  'user_group_buyer_user_group_fkey', 'a group of all buyers cannot have a list');
select is(
  pg_temp.link_violation('user_group_buyer', :'everyone_key', :'south_key', :'client_key', 'true'),
  'user_group_buyer_has_all_buyers_false', 'nor with the flag repeated');
select is(
  pg_temp.violation(format('update accounts.user_group set has_all_buyers = true where key = %s', :northern_key)),
  'user_group_buyer_user_group_fkey', 'a group with a list cannot turn into one of all buyers');
select is(
  pg_temp.link_violation('user_group_buyer', :'northern_key', :'north_key', :'client_key'),
  'user_group_buyer_pkey', 'a buyer is listed once');

-- Groups of an account.
select is(
  pg_temp.violation(format('update accounts.user_group set is_default = true where key = %s', :northern_key)),
  'user_group_default_key', 'an account has at most one default group');
select is(
  pg_temp.spoilt('user_group', jsonb_build_object('account_key', :client_key, 'name', 'D', 'is_default', true)),
  'user_group_default_key', 'nor is a second one inserted');
select is(
  pg_temp.spoilt('user_group', jsonb_build_object('account_key', :client_key, 'name', 'Everyone')),
  'user_group_account_key_name_key', 'a name is given to one group of an account');
select is(
  pg_temp.spoilt('user_group', jsonb_build_object('account_key', :vendor_key, 'name', 'Everyone')),
  null, 'a name may be given to groups of two accounts');

-- Members and their invitations.
select is(
  pg_temp.insert_violation('account_user', jsonb_build_object('account_key', :client_key, 'person_key', :person_key,
    'created_by', '{"name": "n"}'::jsonb, 'updated_by', '{"name": "n"}'::jsonb, 'status', 'Removed',
    'email', 'ada@example.com', 'first_name', 'A', 'last_name', 'L', 'created_at', now(), 'updated_at', now())),
  'account_user_account_key_person_key_key', 'a person is a member of an account once, removed or not');
select is(
  pg_temp.spoilt_invitation(:member_key, '{"status": "Open", "closed_at": null}'),
  'invitation_open_key', 'a member has at most one open invitation');
select is(pg_temp.spoilt_invitation(:member_key, '{}'), null, 'a member may have closed invitations besides');
select is(
  pg_temp.spoilt_invitation(:member_key, '{"closed_at": null}'),
  'invitation_closed_at_status', 'a closed invitation has the time of its closing');
select is(
  pg_temp.violation(format('update accounts.invitation set closed_at = now() where key = %s', :invitation_key)),
  'invitation_closed_at_status', 'an open invitation has none');
select is(
  pg_temp.violation(format('update accounts.invitation set expires_at = sent_at where key = %s', :invitation_key)),
  'invitation_expires_at_after_sent_at', 'an invitation expires after it was sent');
select is(
  pg_temp.spoilt_invitation(:member_key, jsonb_build_object('code_sha256', '\x00'::bytea)),
  'invitation_code_sha256_length', 'what is kept of a code has the length of a SHA-256');
select is(
  pg_temp.spoilt_invitation(-1, '{}'), 'invitation_account_user_key_fkey', 'an invitation is a member''s');
select is(
  pg_temp.insert_violation('outbox', jsonb_build_object(
    'topic', 'invitation.fax', 'invitation_key', :invitation_key, 'created_at', now(), 'delivery', null)),
  'outbox_topic_known', 'the outbox knows its topics');
select is(
  pg_temp.insert_violation('outbox', jsonb_build_object(
    'topic', 'invitation.mail', 'invitation_key', -1, 'created_at', now())),
  'outbox_invitation_key_fkey', 'a queued mail is an invitation''s');
select is(
  pg_temp.insert_violation('outbox',
    jsonb_build_object('topic', 'invitation.mail', 'invitation_key', :invitation_key, 'created_at', now()) || o.fields),
  o.name, o.description)
from (values
  ('{"delivery": null}'::jsonb, 'outbox_delivery_of_mail', 'a mail says what became of it'),
  ('{"topic": "account_user.accepted", "delivery": "Queued"}', 'outbox_delivery_of_mail',
    'what is no mail is not delivered'),
  ('{"delivery": "Sent"}', 'outbox_finished_at_delivery', 'what is finished says when'),
  ('{"finished_at": "2026-01-01T00:00:00Z"}', 'outbox_finished_at_delivery', 'what is queued is not finished'),
  ('{"attempts": 1, "unresolved_attempts": 2, "uncounted_attempts": 0}', 'outbox_attempts_range',
    'unresolved attempts do not exceed attempts'),
  ('{"attempts": 1, "unresolved_attempts": 0, "uncounted_attempts": 2}', 'outbox_attempts_range',
    'nor do uncounted attempts')
) as o (fields, name, description);
select is(
  pg_temp.violation(format('insert into accounts.outbox (topic, invitation_key, delivery) select %L, %s, %L '
    'from generate_series(1, 2)', o.topic, :invitation_key, o.delivery)),
  'outbox_notice_key', 'one notice an invitation: ' || o.topic)
from (values ('invitation.reminder', 'Queued'), ('invitation.expired', null)) as o (topic, delivery);

-- Events, and the settings of mails and notices.
select is(pg_temp.violation(e.statement), e.name, e.description)
from (values
  ('insert into accounts.event values (0, (select max(key) from accounts.outbox))', 'event_position_positive',
    'positions begin at 1'),
  ('insert into accounts.event values (900000001, -1)', 'event_outbox_key_fkey', 'an event is a row of the outbox'),
  ('insert into accounts.event select 900000000 + i, (select max(key) from accounts.outbox) '
    'from generate_series(1, 2) as i', 'event_outbox_key_key', 'which has one position'),
  ('insert into accounts.event_horizon default values', 'event_horizon_pkey', 'there is one horizon'),
  ('insert into accounts.event_horizon (only_row) values (false)', 'event_horizon_only_row',
    'nor is there one beside it'),
  ('update accounts.event_horizon set settled_key = seen_key + 1', 'event_horizon_keys_range',
    'what is settled has been seen'),
  ('insert into accounts.expiry_notice values (''birthday'', ''1 day'', now())', 'expiry_notice_kind_known',
    'notices are of two kinds'),
  ('insert into accounts.expiry_notice values (''expired'', ''1 day'', now())', 'expiry_notice_lead_range',
    'what has expired is not told before'),
  ('insert into accounts.expiry_notice values (''reminder'', ''0'', now())', 'expiry_notice_lead_range',
    'a reminder is'),
  ('update accounts.settings set mail_attempts = 0', 'settings_mail_attempts_range', 'a mail is tried once at least'),
  ('update accounts.settings set mail_retry_interval = ''5 hours''', 'settings_mail_retry_interval_range',
    'the first wait is not longer than the longest'),
  ('update accounts.settings set mail_retry_interval_max = ''8 days''', 'settings_mail_retry_interval_range',
    'which has an end')
) as e (statement, name, description);

-- Referenced rows cannot be deleted.
select is(
  pg_temp.violation(format('delete from accounts.invitation where key = %s', :invitation_key)),
  'outbox_invitation_key_fkey', 'an invitation with a queued mail cannot be deleted');
select is(
  pg_temp.violation(format('delete from accounts.person where key = %s', :person_key)),
  'account_user_person_key_fkey', 'a person who is a member cannot be deleted');
select ok(
  pg_temp.violation(format('delete from accounts.account where key = %s', :vendor_key)) ~ '_account_key_fkey$',
  'an account with anything in it cannot be deleted');
select is(
  pg_temp.violation(format('delete from accounts.module where key = %s', internal.module_key(:'orders'))),
  'user_group_module_module_key_fkey', 'a module of a group cannot be deleted');

-- People.
select is(
  pg_temp.spoilt('person', '{"email_key": "ada@example.com"}'), 'person_email_key_key', 'an address is one person''s');
select is(
  pg_temp.spoilt('person', '{"email_key": "a@"}'), 'person_email_key_length', 'a key of an address has three bytes');
select is(pg_temp.spoilt('person', p.profile), 'person_profile_accepted', p.description)
from (values
  ('{"email": "n@example.com"}'::jsonb, 'a person who has not accepted has no address of their own'),
  ('{"first_name": "N"}', 'nor a name'),
  ('{"icon": "n.png"}', 'nor an icon'),
  ('{"language_code": "en"}', 'nor a language'),
  ('{"accepted_at": "2026-01-01", "email": "n@example.com", "first_name": "N"}', 'one who has accepted has a name')
) as p (profile, description);
select is(
  pg_temp.spoilt('person', '{"accepted_at": "2026-01-01", "email": "N@example.com", "first_name": "N",
    "last_name": "N"}'), null, 'and an address');

-- The profile of a person, from an inviter or their own.
select is(
  pg_temp.insert_violation(t.name, t.fields || c.changes), t.name || '_' || c.rule, t.name || ': ' || c.description)
from (values
  ('person', '{"email_key": "o@example.com", "accepted_at": "2026-01-01", "email": "o@example.com", "first_name": "N",
    "last_name": "N"}'::jsonb),
  ('account_user', jsonb_build_object('account_key', :vendor_key, 'person_key', :person_key,
    'email', 'n@example.com', 'first_name', 'N', 'last_name', 'N', 'created_by', '{"name": "n"}'::jsonb,
    'updated_by', '{"name": "n"}'::jsonb))
) as t (name, fields)
cross join (values
  ('{"email": "a@"}'::jsonb, 'email_length', 'an address has three bytes at least'),
  (jsonb_build_object('email', repeat(e'\u00eb', 122) || '@example.co'), 'email_length',
    'an address has 254 bytes at most'),
  ('{"first_name": ""}', 'first_name_length', 'a first name is not empty'),
  (jsonb_build_object('first_name', repeat('a', 801)), 'first_name_length', 'a first name has 800 bytes at most'),
  ('{"last_name": ""}', 'last_name_length', 'a last name is not empty'),
  (jsonb_build_object('last_name', repeat('a', 801)), 'last_name_length', 'a last name has 800 bytes at most'),
  (jsonb_build_object('email', e'e\u0301@example.com'), 'texts_normalized', 'an address is in NFC'),
  (jsonb_build_object('first_name', e'e\u0301'), 'texts_normalized', 'a first name is in NFC'),
  (jsonb_build_object('last_name', e'e\u0301'), 'texts_normalized', 'a last name is in NFC'),
  ('{"phone_prefix": "0044"}', 'phone_prefix_shape', 'a phone prefix begins with +'),
  ('{"phone_prefix": "+12345"}', 'phone_prefix_shape', 'a phone prefix has 4 digits at most'),
  ('{"phone_number": "1234567890123456"}', 'phone_number_shape', 'a phone number has 15 digits at most'),
  ('{"phone_number": "12 34"}', 'phone_number_shape', 'a phone number has digits only'),
  (jsonb_build_object('culture_code', repeat('a', 36)), 'culture_code_length',
    'a culture code has 35 characters at most'),
  (jsonb_build_object('language_code', repeat('a', 36)), 'language_code_length',
    'a language code has 35 characters at most')
) as c (changes, rule, description);

-- Names, kinds, secrets.
select is(pg_temp.spoilt('account', '{"name": ""}'), 'account_name_length', 'an account''s name is not empty');
select is(
  pg_temp.spoilt('account', jsonb_build_object('name', repeat('a', 801))),
  'account_name_length', 'an account''s name has 800 bytes at most');
select is(
  pg_temp.spoilt('account', jsonb_build_object('name', e'e\u0301')), 'account_name_normalized',
  'an account''s name is in NFC');
select matches(pg_temp.spoilt('account', '{"type": "Bank"}'), 'invalid input value for enum',
  'an account is of a known type');
select matches(
  pg_temp.spoilt('account', '{"status": "Closed"}'), 'invalid input value for enum', 'an account has a known status');
select is(pg_temp.spoilt('module', '{"name": "Fixture Orders"}'), 'module_name_key', 'a name is given to one module');
select is(pg_temp.spoilt('module', '{"name": ""}'), 'module_name_length', 'a module''s name is not empty');
select is(
  pg_temp.spoilt('buyer', jsonb_build_object('account_key', :client_key, 'name', '')),
  'buyer_name_length', 'a buyer''s name is not empty');
select is(pg_temp.spoilt('buyer', '{"account_key": -1}'), 'buyer_account_key_fkey', 'a buyer is an account''s');
select is(
  pg_temp.spoilt('user_group', jsonb_build_object('account_key', :client_key, 'name', '')),
  'user_group_name_length', 'a group''s name is not empty');
select is(pg_temp.spoilt('user_group', '{"account_key": -1}'), 'user_group_account_key_fkey',
  'a group is an account''s');
select is(
  pg_temp.spoilt('api_token', jsonb_build_object('account_key', :client_key, 'proof_sha256', '\x00'::bytea)),
  'api_token_proof_sha256_length', 'what is kept of a proof has the length of a SHA-256');
select is(
  pg_temp.spoilt('api_token', jsonb_build_object('account_key', -1, 'proof_sha256', sha256('x'))),
  'api_token_account_key_fkey', 'a token is an account''s');
select is(
  pg_temp.violation('update accounts.api_token set status = ''Disabled'''),
  'api_token_disabled_at_status', 'a disabled token has the time of its disabling');
select is(
  pg_temp.violation('update accounts.api_token set disabled_at = now()'),
  'api_token_disabled_at_status', 'an active token has none');

-- The range of keys ends with the digits of the longest ids, one group more than usual.
select is(
  pg_temp.spoilt(t.name, jsonb_build_object('key', t.largest + 1) || t.fields),
  t.name || '_key_range', format('a key of %s after %s is refused', t.name, t.largest))
from (values
  ('account', 999999999999, '{}'::jsonb),
  ('person', 999999999999, '{}'),
  ('module', 99999999, '{}'),
  ('buyer', 999999999999, jsonb_build_object('account_key', :client_key)),
  ('user_group', 999999999999, jsonb_build_object('account_key', :client_key, 'name', 'K')),
  ('api_token', 999999999999, jsonb_build_object('account_key', :client_key, 'proof_sha256', sha256('x')))
) as t (name, largest, fields);
select is(
  pg_temp.spoilt('account', jsonb_build_object('key', k.key)), k.wanted,
  format('an account''s key may be from 1 to 999999999999: %s', k.key))
from (values (0, 'account_key_range'), (-1, 'account_key_range'), (999999999999, null)) as k (key, wanted);
select is(
  pg_temp.insert_violation('account_user', jsonb_build_object('key', 10000000000000000, 'account_key', :vendor_key,
    'person_key', :person_key, 'created_by', '{"name": "n"}'::jsonb, 'updated_by', '{"name": "n"}'::jsonb,
    'email', 'n@example.com', 'first_name', 'N', 'last_name', 'N',
    'status', 'Invited', 'created_at', now(), 'updated_at', now())),
  'account_user_key_range', 'a key of account_user after 9999999999999999 is refused');
select ok(
  bool_and(internal.account_key(internal.account_id(k)) = k and internal.account_id(k) ~ '^ACC-[0-9]{4}-[0-9]{4}$'
    and internal.account_user_key(internal.account_user_id(k * 9973)) = k * 9973
    and internal.account_user_id(k * 9973) ~ '^AUSR-[0-9]{4}-[0-9]{4}-[0-9]{4}$'),
  'the id of a key leads back to the key')
from (select 1::bigint union all select 99999999 union all select generate_series(1, 99999999, 99991)) as s (k);
select ok(
  bool_and(internal.account_key(internal.account_id(k)) = k
    and internal.account_id(k) ~ '^ACC-[0-9]{4}-[0-9]{4}-[0-9]{4}$'),
  'past its digits it has one more group of four')
from (
  select unnest(array[100000000, 999999999999])
  union all
  select generate_series(100000001, 999999999999, 999999937)
) as s (k);
select ok(
  bool_and(internal.account_user_key(internal.account_user_id(k)) = k
    and internal.account_user_id(k) ~ '^AUSR-[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}$'),
  'so has that of a member')
from (
  select unnest(array[1000000000000, 9999999999999999])
  union all
  select generate_series(1000000000001, 9999999999999999, 9999999999937)
) as s (k);
select ok(
  bool_and(internal.module_key(internal.module_id(k)) = k and internal.module_id(k) ~ '^MOD-[0-9]{4}-[0-9]{4}$'),
  'and that of a module')
from (select unnest(array[10000, 99999999]) union all select generate_series(10001, 99999999, 99991)) as s (k);
select is(
  array[internal.account_key('ACC-4134-7183-7330'), internal.account_user_key('AUSR-0000-4134-7183-7330'),
    internal.module_key('MOD-7183-7330')],
  array[null, null, null]::bigint[], 'a long id of a key that has a short one is no id')
;
select is(
  count(distinct internal.module_id(k)), 9999::bigint, 'every key of a module has an id of its own')
from generate_series(1, 9999) as s (k);
select is(
  internal.account_user_key(internal.account_user_id(999999999999)), 999999999999,
  'so has the largest key of a member with the usual id');

-- Actors.
select is(
  pg_temp.spoilt(t.name, t.fields || jsonb_build_object(t.actor, a.actor)),
  t.name || '_' || t.actor || '_shape', format('%s of %s cannot be %s', t.actor, t.name, a.actor))
from (values
  ('account', 'created_by', '{}'::jsonb),
  ('module', 'created_by', '{}'),
  ('buyer', 'created_by', jsonb_build_object('account_key', :client_key)),
  ('user_group', 'created_by', jsonb_build_object('account_key', :client_key, 'name', 'A')),
  ('api_token', 'created_by', jsonb_build_object('account_key', :client_key, 'proof_sha256', sha256('x'))),
  ('audit_record', 'actor', '{}')
) as t (name, actor, fields)
cross join (values ('{}'::jsonb), ('{"name": 1}')) as a (actor);
select is(
  pg_temp.violation(format('update accounts.account_user set %I = ''{}'' where key = %s', c.name, :member_key)),
  'account_user_' || c.name || '_shape', format('%s of a member has a name', c.name))
from (values ('created_by'), ('updated_by')) as c (name);
select is(
  pg_temp.spoilt_invitation(:member_key, '{"invited_by": {}}'), 'invitation_invited_by_shape',
  'an invitation is somebody''s');

-- The audit.
select is(
  pg_temp.spoilt('audit_record', jsonb_build_object('trace_id', t.trace_id)),
  'audit_record_trace_id_shape', format('a trace id cannot be %L', t.trace_id))
from (values (''), ('4BF92F3577B34DA6A3CE929D0E0E4736'), ('4bf92f3577b34da6a3ce929d0e0e473')) as t (trace_id);
select is(pg_temp.violation('update accounts.audit_record set action = ''x'''), 'accounts.audit_record is append-only',
  'the owner cannot change an audit record');
select is(pg_temp.violation('delete from accounts.audit_record'), 'accounts.audit_record is append-only',
  'the owner cannot delete an audit record');
select is(pg_temp.violation('truncate accounts.audit_record'), 'accounts.audit_record is append-only',
  'the owner cannot empty the audit');
reset role;
select throws_ok('update accounts.audit_record set action = ''x''', '23001', null,
  'nor can a superuser change a record');
select throws_ok('delete from accounts.audit_record', '23001', null, 'nor delete one');
select throws_ok('truncate accounts.audit_record', '23001', null, 'nor empty the audit');
set local role accountsd_owner;

-- The tables of one row.
select is(pg_temp.violation('insert into accounts.settings default values'), 'settings_pkey',
  'there is one row of settings');
select is(
  pg_temp.violation('insert into accounts.settings (only_row) values (false)'),
  'settings_only_row', 'nor is there one beside it');
select is(
  pg_temp.violation('insert into accounts.schema_version (version) values (9)'),
  'schema_version_pkey', 'there is one schema version');
select is(
  pg_temp.violation('insert into accounts.schema_version values (false, 9)'),
  'schema_version_only_row', 'nor is there one beside it');
select is(
  pg_temp.violation(format('update accounts.settings set invitation_lifetime = %L', l.lifetime)),
  'settings_invitation_lifetime_range', format('an invitation cannot live %s', l.lifetime))
from (values ('59 seconds'), ('367 days'), ('-1 day')) as l (lifetime);
select is(
  pg_temp.violation(format('update accounts.settings set invitation_url_base = %L', b.url)),
  'settings_invitation_url_base_shape', format('an invitation''s url cannot begin with %L', b.url))
from (values ('ftp://portal.example'), ('https://portal.example/'), ('https://portal.example/a?b'),
  ('portal.example'), ('https://portal .example'), (U&'https://portal.example/a\00a0b'),
  (U&'https://portal.example/a\0085')) as b (url);

select * from finish();
rollback;
