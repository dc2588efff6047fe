-- Whether an account takes no invitations. Asked in a statement of its own once the membership is locked, so that a
-- change of the account that was made while the lock was waited for is seen.
create or replace function internal.account_is_disabled(key bigint)
returns boolean
language sql stable
as $$
  select exists (
    select from accounts.account as a where a.key = account_is_disabled.key and a.status = 'Disabled')
$$;
