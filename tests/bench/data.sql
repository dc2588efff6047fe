-- Fills a migrated and otherwise empty database, as a superuser: psql -v members=N -v largest=M -f data.sql. There are
-- N memberships, M of them in the first account and a thousand in each other account. Each person is in two accounts;
-- nine of ten memberships are active, the others invited. Prints a word after each step, for a progress bar.
--
-- The rows are inserted without indexes and foreign keys, in the transaction that truncates the tables, so that with
-- wal_level = minimal they need no WAL. The indexes are created afterwards.
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;
set maintenance_work_mem = '1GB';
set work_mem = '256MB';
set max_parallel_maintenance_workers = 2;

begin;

set local session_replication_role = replica;
set local synchronous_commit = off;

truncate accounts.account, accounts.person, accounts.account_user, accounts.account_user_group, accounts.invitation,
  accounts.member_count, accounts.user_group_set, accounts.outbox, accounts.audit_record, accounts.module,
  accounts.buyer, accounts.user_group, accounts.api_token, accounts.user_group_module, accounts.user_group_buyer
  restart identity cascade;

create temporary table big on commit drop as
select t.oid::regclass as name from unnest(array[
  'accounts.person', 'accounts.account_user', 'accounts.account_user_group', 'accounts.invitation',
  'accounts.audit_record']::regclass[]) as t (oid);
update pg_index set indisready = false, indisvalid = false where indrelid in (select name from big);

-- Three modules; for each account ten buyers and three groups, two of which the benchmark's invitations use.
insert into accounts.module (name, description, created_by)
select 'Module ' || i, 'Module ' || i, '{"name": "bench"}' from generate_series(1, 3) as i;
insert into accounts.account (type, name, created_by)
select 'Client', 'Account ' || i, '{"name": "bench"}'
from generate_series(1, 1 + (:members::bigint - :largest) / 1000) as i;
insert into accounts.buyer (account_key, name, created_by)
select a.key, format('Buyer %s of %s', i, a.key), '{"name": "bench"}'
from accounts.account as a, generate_series(1, 10) as i
order by a.key, i;
insert into accounts.user_group (account_key, name, description, is_default, has_all_buyers, created_by)
select a.key, 'Group ' || i, 'Group ' || i, i = 1, i = 1, '{"name": "bench"}'
from accounts.account as a, generate_series(1, 3) as i
order by a.key, i;
insert into accounts.user_group_module (user_group_key, module_key)
select g.key, m.key
from accounts.user_group as g, accounts.module as m
where not (g.name = 'Group 3' and m.name = 'Module 1');
insert into accounts.user_group_buyer (user_group_key, buyer_key, account_key)
select g.key, b.key, g.account_key
from accounts.user_group as g
join accounts.buyer as b on b.account_key = g.account_key
where not g.has_all_buyers and b.key % 10 < 5;
insert into accounts.api_token (account_key, name, proof_sha256, created_by)
select a.key, 'Token', internal.proof_sha256(internal.secret_proof(repeat('s', 43))), '{"name": "bench"}'
from accounts.account as a
order by a.key;
\echo accounts

insert into accounts.person (email_key, accepted_at, email, first_name, last_name)
select
  format('person.%s@bench.example', i),
  timestamptz '2026-01-01',
  format('person.%s@bench.example', i),
  (array['Ada', 'Grace', 'Hannah', 'José', 'Joanna', 'Zoë', 'Émile', 'Linus'])[1 + i % 8],
  format('Name%s', i * 7919 % 1000003)
from generate_series(1, greatest(:members::bigint / 2, :largest)) as i;
\echo people

insert into accounts.account_user
  (account_key, person_key, email, first_name, last_name, status, created_at, created_by, updated_by,
  invitation_accepted_at, joined_at)
select
  case when i <= :largest then 1 else 2 + (i - :largest - 1) / 1000 end, p.key, p.email,
  p.first_name, p.last_name,
  (case when i % 10 = 0 then 'Invited' else 'Active' end)::accounts.account_user_status, t.created_at,
  '{"id": "TKN-0000-0000", "icon": null, "name": "bench"}', '{"id": "TKN-0000-0000", "icon": null, "name": "bench"}',
  case when i % 10 <> 0 then t.created_at end, case when i % 10 <> 0 then t.created_at end
from generate_series(1, :members::bigint) as i
join accounts.person as p on p.key = 1000001 + (i - 1) % greatest(:members::bigint / 2, :largest)
cross join lateral (select timestamptz '2026-01-01' + i * interval '0.1 seconds') as t (created_at)
order by i;
insert into accounts.member_count (account_key, shard, members)
select u.account_key, 0, count(*) from accounts.account_user as u group by u.account_key;
\echo memberships

insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, g.key, u.account_key
from accounts.account_user as u
cross join lateral (values (3 * u.account_key - 2), (3 * u.account_key - 1)) as g (key);
\echo links

insert into accounts.invitation (account_user_key, status, code_sha256, sent_at, expires_at, closed_at, invited_by)
select
  u.key, (case when u.status = 'Active' then 'Accepted' else 'Open' end)::accounts.invitation_status,
  '\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  u.created_at, u.created_at + interval '1 year', u.joined_at, u.created_by
from accounts.account_user as u;
\echo invitations

insert into accounts.audit_record (at, action, actor, database_role, trace_id, object_id, account_key)
select u.created_at, 'account_user.invited', u.created_by, 'accountsd_server', '4bf92f3577b34da6a3ce929d0e0e4736',
  internal.account_user_id(u.key), u.account_key
from accounts.account_user as u;
\echo audit

reindex table accounts.person;
\echo index_person
reindex table accounts.account_user;
\echo index_account_user
reindex table accounts.account_user_group;
\echo index_account_user_group
reindex table accounts.invitation;
\echo index_invitation
reindex table accounts.audit_record;
\echo index_audit

commit;

vacuum (analyze) accounts.person, accounts.account_user, accounts.account_user_group, accounts.invitation,
  accounts.audit_record, accounts.account, accounts.buyer, accounts.user_group, accounts.user_group_module,
  accounts.user_group_buyer, accounts.api_token, accounts.module;
\echo vacuum
