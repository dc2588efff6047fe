-- Raises the error that corresponds to an HTTP response: SQLSTATE PT and the status, the message, the errors object
-- (if any) as DETAIL, and the problem's type (if any) as HINT.
create or replace function internal.raise_problem(
  status int, message text, errors jsonb default null, type text default null)
returns void
language plpgsql
as $$
begin
  -- An option of raise must not be null, and an empty one is displayed.
  if errors is null and type is null then
    raise exception using errcode = 'PT' || status, message = message;
  elsif type is null then
    raise exception using errcode = 'PT' || status, message = message, detail = errors::text;
  elsif errors is null then
    raise exception using errcode = 'PT' || status, message = message, hint = type;
  end if;
  raise exception using errcode = 'PT' || status, message = message, detail = errors::text, hint = type;
end
$$;
