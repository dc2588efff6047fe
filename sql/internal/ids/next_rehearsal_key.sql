-- A key for a row of a dry run, which is undone: one of those up to 1,000,000, which no real row has.
create or replace function internal.next_rehearsal_key()
returns bigint
language sql volatile
as $$ select nextval('accounts.rehearsal_key_seq') $$;
