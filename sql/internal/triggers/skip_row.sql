-- Suppresses the insert of a row.
create or replace function internal.skip_row()
returns trigger
language plpgsql
as $$ begin return null; end $$;
