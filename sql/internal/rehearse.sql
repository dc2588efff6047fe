-- A dry run of one element of api.serve or api.create_account_users, whichever road names ('serve', 'invite'): does
-- everything and answers as usual, and undoes all of it. What Postgres itself raises is raised.
create or replace function internal.rehearse(road text, element jsonb)
returns internal.outcome
language plpgsql
as $$
declare
  v_outcome internal.outcome;
begin
  begin
    if road = 'serve' then
      v_outcome := internal.serve(element);
    else
      select i.status, i.id, i.body, i.detail, i.errors, i.type, i.is_replay, i.is_rolled_back into v_outcome
      from internal.invite(jsonb_build_array(element)) as i;
    end if;
    -- The one way to undo what a function has done. Nobody else raises this.
    raise exception using errcode = 'RB000', message = 'a dry run is undone';
  exception
    when sqlstate 'RB000' then
      v_outcome.is_rolled_back := true;
  end;
  return v_outcome;
end
$$;
