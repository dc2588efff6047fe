-- What an api function returns of a verdict: the body, or the problem, raised.
create or replace function internal.answer(verdict internal.verdict)
returns json
language plpgsql
as $$
begin
  if verdict.status not between 200 and 299 then
    perform internal.raise_problem(verdict.status, verdict.detail, verdict.errors, verdict.type);
  end if;
  return verdict.body;
end
$$;
