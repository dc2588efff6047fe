-- Performs one request of any operation but create.
create or replace function internal.serve(request internal.request)
returns internal.outcome
language plpgsql
as $$
begin
  return case when request.is_dry_run then internal.rehearse(request) else internal.serve_once(request) end;
end
$$;
