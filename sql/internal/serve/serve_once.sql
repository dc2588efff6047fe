-- Performs one request of any operation but create, not as a dry run. A request that succeeded before under the same
-- idempotency key gets the stored response.
create or replace function internal.serve_once(request internal.request)
returns internal.outcome
language plpgsql
as $$
declare
  v_claim internal.idempotency_claim;
  v_verdict internal.verdict;
begin
  -- A request that only reads needs no key.
  if request.idempotency_key is not null and request.operation not in ('get', 'list', 'get_invitation') then
    v_claim := internal.claim_idempotency_key(request);
    v_verdict := v_claim.verdict;
  end if;
  if v_verdict.status is null then
    v_verdict := internal.perform(request, v_claim.code);
    if v_claim.code is not null and v_verdict.status between 200 and 299 then
      v_claim.verdict := v_verdict;
      perform internal.keep_answers(array[v_claim]);
    end if;
  end if;
  return (v_verdict.status, v_verdict.id, v_verdict.body, v_verdict.detail, v_verdict.errors, v_verdict.type,
    coalesce(v_claim.is_replay, false), false)::internal.outcome;
end
$$;
