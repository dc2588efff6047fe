begin;

select 1 / (count(*) = 6)::int from pg_type
where typnamespace = 'internal'::regnamespace
  and typname in ('request', 'caller', 'verdict', 'planned_invitation', 'idempotency_claim', 'outcome');

rollback;
