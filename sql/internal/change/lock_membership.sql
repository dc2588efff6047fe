-- The one order in which transactions lock rows, so that no two wait for each other crosswise:
--   1. counters of limits, by kind and subject (internal.apply_limits)
--   2. new people, by address, and then new memberships, by account and person: an insert waits for another of the same
--      (internal.create_account_users)
--   3. people whose profile is written, by key (internal.lock_people, internal.accept_invitation)
--   4. memberships that are there, by account and person (internal.invite_again, internal.lock_order); a single one by
--      internal.lock_membership or internal.accept_invitation
--   5. what belongs to a locked membership: its invitations, groups and notices
--   6. accounts whose groups are edited, and then kept sets of groups by their keys (internal.revise_accounts,
--      internal.keep_group_members)
-- Dry runs of a set come before the rest of it, since their locks end with them. Nobody waits for a count of members,
-- each transaction has its own shard (internal.member_count_shard); nor for one that claims mails, gives notices or
-- numbers events: these skip what is locked. What became of mails is told by their keys (api.complete_deliveries), and
-- then locks nothing else. A transaction that calls several functions has to keep the order itself.

-- Locks a membership and answers it as it is then; null fields where there is none, or it was
-- removed. Every change begins here, so that two changes of one membership come one after the
-- other, each seeing what the one before has done, and no two wait for each other crosswise.
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

-- Locks the people who accept an invitation in a set of requests of api.serve.
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

-- The place of the membership of a request in the order in which memberships are locked: by account and
-- person, as internal.create_account_users does. Those of one membership stay in the order of their arrival.
create or replace function internal.lock_order(request internal.request)
returns bigint[]
language sql stable
as $$
  select array[u.account_key, u.person_key]
  from accounts.account_user as u
  where u.key = internal.find_membership_by_path(request)
$$;
