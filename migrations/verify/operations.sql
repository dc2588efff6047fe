begin;

select 1 / (count(*) = 7)::int from pg_type
where typnamespace = 'internal'::regnamespace
  and typname in (
    'request', 'caller', 'verdict', 'planned_invitation', 'given_members', 'idempotency_claim', 'outcome');

rollback;
