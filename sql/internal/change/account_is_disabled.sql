-- Whether an account is disabled. A statement of its own, run after the membership is locked, so that it sees a
-- change of the account that was committed during the wait for the lock.
create or replace function internal.account_is_disabled(key bigint)
returns boolean
language sql stable
as $$
  select exists (
    select from accounts.account as a where a.key = account_is_disabled.key and a.status = 'Disabled')
$$;
