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
