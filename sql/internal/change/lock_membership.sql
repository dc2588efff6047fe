-- The lock order of all transactions, which prevents deadlocks:
--   1. counters of limits, by kind and subject (internal.apply_limits)
--   2. new people, by address, then new memberships, by account and person: an insert waits for a concurrent insert of
--      the same row (internal.create_account_users)
--   3. people whose profile is written, by key (internal.lock_people, internal.accept_invitation)
--   4. existing memberships, by account and person (internal.invite_again, internal.lock_order); a single one by
--      internal.lock_membership or internal.accept_invitation
--   5. what belongs to a locked membership: its invitations, groups and notices
--   6. accounts whose groups are edited, then kept sets of groups by their keys (internal.revise_accounts,
--      internal.keep_group_members)
-- Dry runs of a set come first, because their locks are released when they are rolled back. Counts of members cause
-- no waiting: each transaction has its own shard (internal.member_count_shard). Neither do claims of mails, notices
-- and the numbering of events, which skip locked rows. api.complete_deliveries locks rows of the outbox by their keys
-- and nothing else. A transaction that calls several functions must keep this order itself.

-- Locks a membership and returns its current row; all fields are null if it does not exist or was removed. Every
-- change of a single membership begins here, so that concurrent changes run one after the other and each sees the
-- result of the one before.
create or replace function internal.lock_membership(key bigint)
returns accounts.account_user
language plpgsql
as $$
declare
  v_member accounts.account_user;
begin
  select * into v_member from accounts.account_user as u where u.key = lock_membership.key for no key update;
  if v_member.status = 'Removed' then
    return null;
  end if;
  return v_member;
end
$$;

-- Locks the people whose invitations a set of requests of api.serve accepts.
create or replace function internal.lock_people(requests internal.request[])
returns void
language plpgsql
as $$
begin
  perform from accounts.person as p
  where p.key = any (array(
    select u.person_key
    from unnest(requests) as r
    cross join lateral (
      select i.person_key from accounts.account_user as i where i.key = internal.find_membership_by_path(r) offset 0
    ) as u
    where r.operation = 'accept_invite'))
  order by p.key
  for no key update;
end
$$;

-- The position of a request's membership in the lock order: by account and person, as in
-- internal.create_account_users. Requests for the same membership keep their order of arrival.
create or replace function internal.lock_order(request internal.request)
returns bigint[]
language sql stable
as $$
  select array[u.account_key, u.person_key]
  from accounts.account_user as u
  where u.key = internal.find_membership_by_path(request)
$$;
