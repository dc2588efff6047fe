-- Keeps a table append-only, even for its owner.
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
