-- One request of api.serve, as internal.perform takes it, with an idempotency key or as a dry run.
create or replace function internal.serve(element jsonb)
returns internal.outcome
language plpgsql
as $$
declare
  v_claim internal.idempotency_claim;
  v_verdict internal.verdict;
begin
  if element -> 'rollback' = 'true' then
    return internal.rehearse('serve', element - 'rollback');
  end if;
  -- What only reads has nothing to do twice.
  if element ->> 'idempotencyKey' is not null and element ->> 'operation' not in ('get', 'list', 'get_invitation') then
    v_claim := internal.claim_idempotency_key(element);
    v_verdict := v_claim.verdict;
  end if;
  if v_verdict.status is null then
    v_verdict := internal.perform(element, v_claim.code);
    if v_claim.code is not null and v_verdict.status between 200 and 299 then
      v_claim.verdict := v_verdict;
      perform internal.keep_answers(array[v_claim]);
    end if;
  end if;
  return (v_verdict.status, v_verdict.id, v_verdict.body, v_verdict.detail, v_verdict.errors, v_verdict.type,
    coalesce(v_claim.is_replay, false), false)::internal.outcome;
end
$$;
