-- The key of the account that a DBA's request names; raises PT400 if it does not exist.
create or replace function internal.require_account(request jsonb)
returns bigint
language plpgsql stable
as $$
declare
  v_key bigint;
begin
  select a.key into v_key from accounts.account as a where a.key = internal.account_key(request #>> '{account,id}');
  if v_key is null then
    perform internal.raise_problem(400, 'The request is not valid.', '{"account.id": ["is not an account"]}');
  end if;
  return v_key;
end
$$;
