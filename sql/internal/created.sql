-- Invites one person: a set of one, whose verdict becomes the answer or an error.
create or replace function internal.created(element jsonb)
returns json
language plpgsql
as $$
declare
  v_verdict record;
begin
  select * into strict v_verdict
  from internal.create_account_users(jsonb_build_array(element));
  if v_verdict.status <> 201 then
    perform internal.raise_problem(v_verdict.status, v_verdict.detail, v_verdict.errors);
  end if;
  return v_verdict.body;
end
$$;
