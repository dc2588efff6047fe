-- Raises PT400 with every mistake of a request, if it has any.
create or replace function internal.require_shape(request jsonb, shape text)
returns void
language plpgsql
as $$
declare
  v_errors constant jsonb := internal.request_errors(request, shape);
begin
  if v_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', v_errors);
  end if;
end
$$;
