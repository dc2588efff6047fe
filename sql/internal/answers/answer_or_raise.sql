-- Returns the body of an outcome, or raises its problem. The last step of an api function.
create or replace function internal.answer_or_raise(outcome internal.outcome)
returns json
language plpgsql
as $$
begin
  if outcome.status not between 200 and 299 then
    perform internal.raise_problem(outcome.status, outcome.detail, outcome.errors, outcome.type);
  end if;
  return outcome.body;
end
$$;
