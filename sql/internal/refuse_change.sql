-- Keeps a table append-only, for its owner too.
create or replace function internal.refuse_change()
returns trigger
language plpgsql
as $$
begin
  raise exception using
    errcode = 'restrict_violation',
    message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end
$$;

create or replace trigger audit_record_append_only
before update or delete or truncate on accounts.audit_record
for each statement execute function internal.refuse_change();
