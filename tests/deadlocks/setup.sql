-- Few memberships, and all operations on them, at random: deadlock_test.step() performs one, in the transaction of
-- its caller. tests/deadlocks/step.pgbench calls it from many concurrent sessions.
create schema deadlock_test;

-- The numbers of accounts, people and groups are small, so that operations collide.
create table deadlock_test.account (n int primary key, id text not null, groups text[] not null);

insert into deadlock_test.account (n, id, groups)
select a.n, a.id, array(
  select api.create_user_group(jsonb_build_object(
    'account', jsonb_build_object('id', a.id), 'name', 'Group ' || g, 'isDefault', g = 1, 'allBuyers', g = 1)) ->> 'id'
  from generate_series(1, 3) as g)
from (
  select n, api.create_account(jsonb_build_object('type', 'Client', 'name', 'Account ' || n)) ->> 'id' as id
  from generate_series(1, 5) as n
  offset 0
) as a;

-- The codes that were returned. Rows are only inserted, so that the table causes no waits.
create table deadlock_test.code (account_user text not null, code text not null);
create index on deadlock_test.code (account_user);

create function deadlock_test.one_of(texts text[])
returns text
language sql volatile
as $$ select texts[1 + floor(random() * cardinality(texts))] $$;

create function deadlock_test.groups_of(account deadlock_test.account)
returns jsonb
language sql volatile
as $$
  select jsonb_agg(jsonb_build_object('id', g.id) order by random())
  from (
    select g.id from unnest(account.groups) as g (id) order by random() limit 1 + floor(random() * 3)
  ) as g
$$;

-- Invites one to eight of twenty people into random accounts, in random order; a person may occur twice.
create function deadlock_test.invite()
returns void
language plpgsql
as $$
begin
  insert into deadlock_test.code (account_user, code)
  select i.id, substring(i.body #>> '{invitation,url}' from '[^/]*$')
  from api.create_account_users((
    select jsonb_agg(jsonb_build_object('request', jsonb_build_object(
      'account', jsonb_build_object('id', a.id),
      'groups', deadlock_test.groups_of(a),
      'user', jsonb_build_object('email', format('person%s@deadlock.example', floor(random() * 20)),
        'firstName', 'Ada', 'lastName', 'Lovelace'))
      ) || case when random() < 0.1 then '{"rollback": true}' else '{}' end::jsonb order by random())
    from generate_series(1, 1 + floor(random() * 8)::int) as i
    cross join lateral (
      select * from deadlock_test.account as a where a.n = 1 + floor(random() * 5)::int + 0 * i limit 1
    ) as a)) as i
  where i.status = 201 and not i.is_rolled_back;
end
$$;

-- One to five operations on random memberships, in random order.
create function deadlock_test.operate()
returns void
language plpgsql
as $$
begin
  insert into deadlock_test.code (account_user, code)
  select s.body ->> 'id', substring(s.body #>> '{invitation,url}' from '[^/]*$')
  from api.serve((
    select jsonb_agg(jsonb_build_object(
      'kind', 'account_user',
      'operation', o.operation,
      'accountUser', m.id,
      'group', deadlock_test.one_of(m.groups),
      'request', case o.operation
        when 'accept_invite' then jsonb_build_object('code', coalesce((
          select c.code from deadlock_test.code as c where c.account_user = m.id order by random() limit 1), 'none'))
        when 'add_group' then jsonb_build_object('id', deadlock_test.one_of(m.groups))
        when 'replace_groups' then jsonb_build_array(jsonb_build_object('id', deadlock_test.one_of(m.groups)))
      end,
      'rollback', random() < 0.1) order by random())
    from (
      select internal.account_user_id(u.key) as id, a.groups
      from accounts.account_user as u
      join deadlock_test.account as a on internal.account_key(a.id) = u.account_key
      order by random()
      limit 1 + floor(random() * 5)
    ) as m
    cross join lateral (
      select deadlock_test.one_of(array['accept_invite', 'resend_invite', 'send_new_invite', 'add_group',
        'replace_groups', 'take_group', 'remove', 'remove', 'accept_invite', 'get']) as operation where m.id is not null
    ) as o)) as s
  where s.status = 200 and s.body #>> '{invitation,url}' is not null;
end
$$;

create function deadlock_test.claim()
returns bigint
language sql
as $$ select count(*) from api.claim_deliveries(1 + floor(random() * 10)::int, '1 second') $$;

-- Completes mails that any session has claimed, in random order.
create function deadlock_test.complete()
returns bigint
language sql
as $$
  select count(*)
  from api.complete_deliveries('[{"id": 1, "attempt": 1, "outcome": "Released"}]'::jsonb || (
    select coalesce(jsonb_agg(jsonb_build_object('id', o.key, 'attempt', o.attempts,
      'outcome', deadlock_test.one_of('{Sent,Failed,Unknown,Refused,Released}'), 'reason', 'test') order by random()),
      '[]')
    from (
      select * from accounts.outbox as o where o.delivery = 'Queued' and o.claimed_at is not null limit 10
    ) as o))
$$;

-- Lets some invitations expire whose expiry has not been noticed. It waits for no lock.
create function deadlock_test.pass_time()
returns void
language sql
as $$
  update accounts.invitation
  set sent_at = now() - interval '8 days', expires_at = now() - random() * interval '10 minutes'
  where key in (
    select key from accounts.invitation where status = 'Open' and expires_at > now() order by random() limit 20
    for no key update skip locked);
$$;

-- Edits what groups contribute to memberships.
create function deadlock_test.edit()
returns void
language sql
as $$
  update accounts.user_group as g set description = random()::text
  from deadlock_test.account as a
  where a.n = 1 + floor(random() * 5)::int and g.account_key = internal.account_key(a.id);
$$;

create function deadlock_test.step()
returns text
language plpgsql
as $$
declare
  c_chance constant double precision := random();
begin
  case
    when c_chance < 0.35 then perform deadlock_test.invite();
    when c_chance < 0.7 then perform deadlock_test.operate();
    when c_chance < 0.75 then perform deadlock_test.claim();
    when c_chance < 0.8 then perform deadlock_test.complete();
    when c_chance < 0.9 then perform api.announce_expiries(1 + floor(random() * 20)::int);
    when c_chance < 0.95 then perform deadlock_test.pass_time();
    when c_chance < 0.97 then perform deadlock_test.edit();
    else perform api.number_events();
  end case;
  return null;
end
$$;

select api.configure('{"invitation.expiredEvent": true, "invitation.reminder": "8 days"}') \g /dev/null
