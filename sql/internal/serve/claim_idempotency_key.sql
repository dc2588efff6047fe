-- Idempotency keys: a request that succeeded before is not performed again; its stored response is returned. A
-- transaction that claims a key holds an advisory lock on it until it ends and stores the response itself, so the
-- change and the response are committed together or not at all. A concurrent request with the same key fails at once
-- instead of waiting.
--
-- Only successful responses are stored. A refused request changed nothing and an error rolls everything back, so in
-- both cases the key stays free.

-- The code of an invitation, derived from a secret that only the caller has, so that a replay returns the same code
-- although no table stores it. The secret is the seed that accountsd derives from the token's secret, which the
-- database does not have. Without a seed it is the token's proof, if any, and the key; a caller without a token
-- should therefore choose a random key.
create or replace function internal.idempotency_code(salt bytea, request internal.request)
returns text
language sql immutable parallel safe
as $$
  select translate(encode(sha256(
    salt || convert_to(
      coalesce(request.code_seed, coalesce(request.token, '') || ' ' || request.idempotency_key),
      'UTF8')), 'base64'), '+/=', '-_')
$$;

-- The scope within which a key is unique: the token, the database role or, where a code authorises the call, the
-- membership. Null if the path leads to no membership.
create or replace function internal.idempotency_scope(request internal.request)
returns text
language sql stable
as $$
  select case
    when request.operation = 'accept_invite' then 'membership ' || internal.find_membership_by_path(request)
    when request.token is null then 'role ' || internal.caller_role()
    else 'token ' || split_part(request.token, ':', 1)
  end
$$;

-- Claims the idempotency key of a request. A request that is not well-formed claims nothing. Neither does one that is
-- not authenticated, so that it cannot probe for keys. claimed: hashes of the keys claimed earlier in the same set;
-- the advisory lock does not detect those, because the same transaction holds it.
create or replace function internal.claim_idempotency_key(request internal.request, claimed bytea[] default '{}')
returns internal.idempotency_claim
language plpgsql
as $$
declare
  c_key constant text := request.idempotency_key;
  v_claim internal.idempotency_claim;
  v_caller internal.caller;
  v_scope text;
  v_kept accounts.idempotency_key;
begin
  if octet_length(c_key) not between 1 and 255 or c_key ~ '[^\x21-\x7e]' then
    v_claim.verdict := internal.refuse_invalid('{"Idempotency-Key": ["is not 1 to 255 characters of visible ASCII"]}');
    return v_claim;
  end if;
  if not internal.is_well_formed(request) then
    return v_claim;
  end if;
  if request.operation <> 'accept_invite' then
    v_caller := internal.authenticate(request.token, null);
    if v_caller.status <> 200 then
      v_claim.verdict := internal.refuse(v_caller.status, v_caller.detail);
      return v_claim;
    end if;
  end if;
  v_scope := internal.idempotency_scope(request);
  if v_scope is null then
    return v_claim;
  end if;

  v_claim.key_sha256 := sha256(convert_to(v_scope || ' ' || c_key, 'UTF8'));
  if v_claim.key_sha256 = any (claimed)
    or not pg_try_advisory_xact_lock(('x' || encode(substr(v_claim.key_sha256, 1, 8), 'hex'))::bit(64)::bigint) then
    v_claim.verdict := internal.refuse(409, 'The first request with this idempotency key is still being done.',
      '/problems/request-in-progress');
    return v_claim;
  end if;

  -- jsonb has one text form for each value. Whether there is a seed is hashed too, because without it the code cannot
  -- be derived again.
  v_claim.request_sha256 := sha256(convert_to(jsonb_build_array(
    request.operation, request.kind, request.account_id, request.user_id, request.account_user_id,
    request.user_group_id, request.query, request.body, request.code_seed is not null)::text, 'UTF8'));

  -- A new statement has a new snapshot, so it sees what the last holder of the lock stored.
  select k.* into v_kept
  from (select * from accounts.idempotency_key as i where i.key_sha256 = v_claim.key_sha256 offset 0) as k
  join accounts.settings as s on s.only_row
  where k.created_at > statement_timestamp() - s.idempotency_lifetime;
  if not found then
    v_claim.code_salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    v_claim.code := internal.idempotency_code(v_claim.code_salt, request);
  elsif v_kept.request_sha256 <> v_claim.request_sha256 then
    v_claim.verdict := internal.refuse(422, 'The idempotency key was used for another request.',
      '/problems/idempotency-key-reused');
  else
    v_claim.is_replay := true;
    v_claim.verdict := internal.succeed(v_kept.status,
      replace(v_kept.body::text, encode(v_kept.code_salt, 'hex'), internal.idempotency_code(v_kept.code_salt, request))
        ::json,
      v_kept.id);
  end if;
  return v_claim;
end
$$;

-- Stores the responses of claims that succeeded, and deletes twice as many expired rows, so that the table stays
-- small without a clean-up job.
create or replace function internal.keep_answers(claims internal.idempotency_claim[])
returns void
language plpgsql
as $$
begin
  delete from accounts.idempotency_key as k
  where k.key_sha256 = any (array(
    select old.key_sha256
    from accounts.idempotency_key as old
    where old.created_at <= statement_timestamp() - (
      select s.idempotency_lifetime from accounts.settings as s where s.only_row)
    order by old.created_at
    limit 2 * cardinality(claims)
    for update skip locked));

  -- An existing row has expired, and is overwritten.
  insert into accounts.idempotency_key as k (key_sha256, request_sha256, code_salt, status, id, body)
  select c.key_sha256, c.request_sha256, c.code_salt, (c.verdict).status, (c.verdict).id,
    replace((c.verdict).body::text, c.code, encode(c.code_salt, 'hex'))::json
  from unnest(claims) as c
  on conflict (key_sha256) do update
    set request_sha256 = excluded.request_sha256,
        code_salt = excluded.code_salt,
        status = excluded.status,
        id = excluded.id,
        body = excluded.body,
        created_at = excluded.created_at;
end
$$;
