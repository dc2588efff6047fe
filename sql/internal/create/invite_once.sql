-- internal.create_account_users for a set that contains idempotency keys. Requests that succeeded before get their
-- stored response; the others continue as one set. is_rehearsal: see internal.create_account_users.
create or replace function internal.invite_once(requests internal.request[], is_rehearsal boolean default false)
returns table (
  ordinal int, status int, id text, body json, detail text, errors jsonb, type text, is_replay boolean)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_request internal.request;
  v_ordinal int := 0;
  v_made record;
  v_claim internal.idempotency_claim;
  -- The requests that continue, with their ordinals, claims and codes by the same index.
  v_requests internal.request[] := array[]::internal.request[];
  v_ordinals int[] := array[]::int[];
  v_claims internal.idempotency_claim[] := array[]::internal.idempotency_claim[];
  v_codes text[] := array[]::text[];
  v_claimed bytea[] := array[]::bytea[];
  v_kept internal.idempotency_claim[] := array[]::internal.idempotency_claim[];
begin
  foreach v_request in array requests loop
    v_ordinal := v_ordinal + 1;
    v_claim := null;
    if v_request.idempotency_key is not null then
      v_claim := internal.claim_idempotency_key(v_request, v_claimed);
    end if;
    if (v_claim.verdict).status is null then
      v_requests := v_requests || v_request;
      v_ordinals := v_ordinals || v_ordinal;
      v_claims := v_claims || v_claim;
      v_codes := v_codes || v_claim.code;
      v_claimed := v_claimed || v_claim.key_sha256;
    else
      return query
      select v_ordinal, (v_claim.verdict).status, (v_claim.verdict).id, (v_claim.verdict).body,
        (v_claim.verdict).detail, (v_claim.verdict).errors, (v_claim.verdict).type, coalesce(v_claim.is_replay, false);
    end if;
  end loop;

  if cardinality(v_requests) > 0 then
    for v_made in
      select c.* from internal.create_account_users(v_requests, v_codes, is_rehearsal) as c
    loop
      v_claim := v_claims[v_made.ordinal];
      if v_made.status = 201 and v_claim.code is not null then
        v_claim.verdict := internal.succeed(v_made.status, v_made.body, v_made.id);
        v_kept := v_kept || v_claim;
      end if;
      return query
      select v_ordinals[v_made.ordinal], v_made.status, v_made.id, v_made.body, v_made.detail, v_made.errors, null,
        false;
    end loop;
  end if;
  if cardinality(v_kept) > 0 then
    perform internal.keep_answers(v_kept);
  end if;
end
$$;
