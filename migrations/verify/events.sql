begin;

select position, outbox_key from accounts.event where false;
select settled_key, seen_key, seen_before from accounts.event_horizon where false;
select 1 / (count(*) = 1)::int from accounts.event_horizon;

select 1 / (count(*) = 1)::int from pg_constraint where conname = 'event_outbox_key_fkey' and convalidated;
select 1 / (count(*) = 0)::int from pg_attribute
where attrelid = 'accounts.outbox'::regclass and attname = 'position' and not attisdropped;

select 1 / (version >= 12)::int from accounts.schema_version;

rollback;
