-- api.check reports what is wrong, and its repairs work. The test damages each kind on purpose.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(57);

-- What is reported now and was not reported before.
create temp table known (what text, detail text);
grant select on known to public;
create function pg_temp.told(whole boolean default true)
returns text[]
language plpgsql
as $$
declare
  v_told text[];
begin
  perform set_config('role', 'accountsd_dba', true);
  v_told := array(select c.what || ': ' || c.detail from api.check(whole) as c
    where not exists (select from known as k where (k.what, k.detail) = (c.what, c.detail)));
  perform set_config('role', 'none', true);
  return v_told;
end
$$;

-- Runs the reported repairs as a superuser.
create function pg_temp.repair()
returns void
language plpgsql
as $$
declare
  v_repair text;
begin
  for v_repair in
    select distinct c.repair from api.check(true) as c
    where c.repair is not null and not exists (select from known as k where (k.what, k.detail) = (c.what, c.detail))
  loop
    execute v_repair;
  end loop;
end
$$;

-- Damages something, expects a report that matches a pattern, and expects none after the repair.
create function pg_temp.broken(statement text, expected text, name text)
returns setof text
language plpgsql
as $$
begin
  execute statement;
  return next matches(array_to_string(pg_temp.told(), ' | '), '^' || expected || '$', name || ' is told');
  perform pg_temp.repair();
  return next is(pg_temp.told(), '{}', name || ' is mended');
end
$$;

select pg_temp.invite(:'client_token', 'ann@example.com') as ann \gset
select pg_temp.invite(:'client_token', 'bob@example.com') as bob \gset
select pg_temp.invite(:'client_token', 'cid@example.com') as cid \gset
select pg_temp.accept(:'bob') \gset ignored_
insert into known select c.what, c.detail from api.check(true) as c;
select is_empty(
  $$ select * from known where what in ('member_count', 'sequence', 'index', 'constraint', 'trigger', 'grant', 'role',
    'role_setting') $$, 'what the suite leaves behind is right');
select is(pg_temp.told(), '{}', 'nothing else is wrong');

select pg_temp.broken(
  format('update accounts.member_count set members = members + 2 where ctid = (select min(ctid) from '
    'accounts.member_count where account_key = internal.account_key(%L))', :'client'),
  'member_count: ' || :'client' || ' has 4 members, and 6 are kept', 'a wrong count');
select pg_temp.broken(
  format('delete from accounts.member_count where account_key = internal.account_key(%L)', :'client'),
  'member_count: ' || :'client' || ' has 4 members, and 0 are kept', 'a count that is gone');
select is(
  (api.list_account_users('limit=0', :'client_token')) #>> '{$meta,pagination,total}', '4',
  'lists have the right total');

-- The key of an address, as if case folding had changed.
select pg_temp.broken(
  $$ update accounts.person set email_key = 'ann-was@example.com' where email_key = 'ann@example.com' $$,
  'email_key: AUSR-[0-9-]+ and 1 in all have a person whose email_key is not that of their address', 'an email_key');
update accounts.person set email_key = 'was@example.com' where email_key = 'ann@example.com';
insert into accounts.person (email_key) values ('ann@example.com');
select is(
  pg_temp.told(), array['email_key_taken: ' || (:'ann'::jsonb ->> 'id')
    || ' and 1 in all have a person whose email_key is not that of their address, which is another person''s'],
  'an email_key that another person has is reported');
select is((select c.repair from api.check(true) as c where c.what = 'email_key_taken'), null, 'nothing mends it');
select is(api.repair('email_key'), 0::bigint, 'nor does the repair of others');
delete from accounts.person where email_key = 'ann@example.com';
select is(api.repair('email_key'), 1::bigint, 'when it is free it is mended');

-- The key of a name, as if case folding had changed.
select pg_temp.broken(
  $$ create or replace function internal.sort_name(first_name text, last_name text) returns text
    language sql immutable parallel safe as 'select lower(first_name) collate "C"' $$,
  'sort_name: AUSR-[0-9-]+ and [0-9]+ in all have a sort_name that is not that of their name', 'a sort_name');
select is_empty('select from accounts.account_user where sort_name <> lower(first_name)', 'all of them');
select pg_temp.broken(
  $$ create or replace function internal.sort_name(first_name text, last_name text) returns text
    language sql immutable parallel safe as 'select upper(first_name || '' '' || last_name) collate "C"' $$,
  'sort_name: .*', 'a sort_name that folds back');

select pg_temp.broken(
  $$ update pg_collation set collversion = '1' where collname = 'und-x-icu' $$,
  'collation: "und-x-icu" was of version 1 and is of [0-9.]+ now', 'a collation of another version');

-- Memberships and their invitations.
select pg_temp.broken(
  format($$ update accounts.invitation set status = 'Revoked', closed_at = now()
    where account_user_key = internal.account_user_key(%L) $$, :'ann'::jsonb ->> 'id'),
  'invitation_closed: ' || (:'ann'::jsonb ->> 'id') || ' is Invited and has no open invitation',
  'a membership without an open invitation');
select pg_temp.broken(
  format($$ update accounts.account_user set status = 'Active' where key = internal.account_user_key(%L) $$,
    :'cid'::jsonb ->> 'id'),
  'invitation_open: ' || (:'cid'::jsonb ->> 'id') || ' is Active and has an open invitation',
  'an open invitation of an active membership');
select is(pg_temp.invitation_statuses(:'cid'), '{Superseded}', 'which is closed');
select pg_temp.broken(
  format($$ update accounts.invitation set account_user_key = internal.account_user_key(%L), status = 'Open',
    closed_at = null where account_user_key = internal.account_user_key(%L) $$, :'bob'::jsonb ->> 'id',
    :'cid'::jsonb ->> 'id'),
  'invitation_open: .*', 'one of another');
select pg_temp.broken(
  format($$ delete from accounts.outbox as o using accounts.invitation as i
    where i.key = o.invitation_key and i.account_user_key = internal.account_user_key(%L) $$, :'ann'::jsonb ->> 'id'),
  'invitation_mail: the open invitation of ' || (:'ann'::jsonb ->> 'id') || ' has no mail',
  'an invitation without a mail');
select api.number_events(10000) \gset ignored_
select pg_temp.broken(
  $$ delete from accounts.event; update accounts.outbox set created_at = now() - interval '1 hour'
    where key = (select max(key) from accounts.outbox) $$,
  'events: 1 events have waited for their position since .*', 'an event without a position')
  where (select count(api.number_events(10000)) from generate_series(1, 10)) > 0;

-- The catalogue.
select pg_temp.broken(
  $$ select setval('accounts.account_key_seq', 1, false) $$,
  'sequence: accounts.account_key_seq is behind key [0-9]+', 'a sequence that is behind');
select pg_temp.broken(
  $$ update pg_index set indisvalid = false where indexrelid = 'accounts.outbox_due_at_idx'::regclass $$,
  'index: accounts.outbox_due_at_idx is not valid', 'an index that is not valid');
select pg_temp.broken(
  $$ alter table accounts.settings drop constraint settings_mail_attempts_range,
    add constraint settings_mail_attempts_range check (mail_attempts between 1 and 100) not valid $$,
  'constraint: settings_mail_attempts_range of accounts.settings is not validated', 'a constraint');
select pg_temp.broken(
  'alter table accounts.audit_record disable trigger audit_record_append_only',
  'trigger: audit_record_append_only of accounts.audit_record is disabled', 'a trigger that is disabled');
select pg_temp.broken(
  format('alter role accountsd_server in database %I reset lock_timeout', current_database()),
  'role_setting: accountsd_server has no lock_timeout in this database', 'a setting of a role');
select pg_temp.broken(
  'revoke usage on schema api from accountsd_delivery', 'grant: accountsd_delivery may not use schema api',
  'a schema that may not be used');
select pg_temp.broken(
  'revoke execute on function api.serve(jsonb) from accountsd_server',
  'grant: accountsd_server may not execute api\.serve\(jsonb\)', 'a function that the role may not call');
select pg_temp.broken(
  'grant execute on function internal.record_audit(text, jsonb, text, bigint) to public',
  'grant: everybody may execute internal\.record_audit.*', 'a function that everybody may call');
select pg_temp.broken(
  'revoke select on accounts.person from accountsd_dba', 'grant: accountsd_dba may not read accounts.person',
  'a table that may not be read');

-- The sample of pages, and the callers.
select is(pg_temp.told(false), '{}', 'a sample reports no more than all');
select is(
  pg_temp.problem_of('accountsd_dba', format('select api.repair(%L)', r.what)),
  pg_temp.refusal(400, 'what is not member_count, email_key, sort_name, invitation_open or sequence.'),
  format('%L is nothing to repair', r.what))
from (values ('index'), (null)) as r (what);
select is(
  pg_temp.problem_of('accountsd_server', 'select api.' || c.call) ->> 'sqlstate', '42501',
  'the server calls no ' || c.call)
from (values ('check()'), ('repair(''sequence'')')) as c (call);
select cmp_ok(
  (select count(*) from accounts.audit_record as r
    where r.action = 'repaired.member_count' and r.object_id = 'member_count'),
  '>=', 2::bigint, 'repairs are audited');

-- A restore of data alone inserts counts as well as memberships, which triggers count.
savepoint before_restore;
create temp table dumped as select * from accounts.member_count;
insert into accounts.member_count select d.account_key, d.shard + 1000, d.members from dumped as d;
select is(pg_temp.told(), '{}', 'counts that are inserted beside are not taken');
rollback to before_restore;

select is_empty(
  $$ select i.indexrelid::regclass from pg_index as i
    join pg_class as c on c.oid = i.indrelid
    where c.relnamespace = 'accounts'::regnamespace
      and exists (select from unnest(i.indcollation) as k (oid) where k.oid not in (0, '"C"'::regcollation)) $$,
  'no index depends on how a library sorts');

select * from finish();
rollback;
