-- A key for a row of a dry run, from 1 to 1,000,000, which no committed row has.
create or replace function internal.next_rehearsal_key()
returns bigint
language sql volatile
as $$ select nextval('accounts.rehearsal_key_seq') $$;
