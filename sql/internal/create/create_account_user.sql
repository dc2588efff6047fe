-- Invites one person: a set of one, whose outcome is returned or raised.
create or replace function internal.create_account_user(request internal.request)
returns json
language plpgsql
as $$
declare
  v_verdict record;
begin
  if request.idempotency_key is null then
    select c.*, null as type into strict v_verdict
    from internal.create_account_users(array[request]) as c;
  else
    select * into strict v_verdict
    from internal.invite_once(array[request]);
  end if;
  if v_verdict.status <> 201 then
    perform internal.raise_problem(v_verdict.status, v_verdict.detail, v_verdict.errors, v_verdict.type);
  end if;
  return v_verdict.body;
end
$$;
