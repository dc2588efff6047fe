-- Every API token that authenticates, as the actor it is and the account it acts for.
create or replace function internal.token_callers()
returns table (
  key bigint, proof_sha256 bytea, actor jsonb,
  account_key bigint, account_type accounts.account_type, account_status accounts.account_status)
language sql stable
as $$
  select t.key, t.proof_sha256,
    jsonb_build_object('id', internal.api_token_id(t.key), 'name', t.name, 'icon', t.icon),
    a.key, a.type, a.status
  from accounts.api_token as t
  join accounts.account as a on a.key = t.account_key
  where t.status = 'Active'
$$;
