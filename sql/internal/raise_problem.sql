-- Ends the statement with an error that says what HTTP would: SQLSTATE PT and the status,
-- the message, and the errors object (if any) as DETAIL.
create or replace function internal.raise_problem(status int, message text, errors jsonb default null)
returns void
language plpgsql
as $$
begin
  if errors is null then
    raise exception using errcode = 'PT' || status, message = message;
  end if;
  raise exception using errcode = 'PT' || status, message = message, detail = errors::text;
end
$$;
