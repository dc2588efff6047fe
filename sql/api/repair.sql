create or replace function api.repair(what text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_count bigint;
begin
  -- Concurrent repairs of the same row would be applied twice.
  perform pg_advisory_xact_lock(hashtext('accountsd repair'));
  case what
    when 'member_count' then v_count := internal.repair_member_count();
    when 'email_key' then v_count := internal.repair_email_key();
    when 'sort_name' then v_count := internal.repair_sort_name();
    when 'invitation_open' then v_count := internal.repair_invitation_open();
    when 'sequence' then v_count := internal.repair_sequence();
    else
      perform internal.raise_problem(
        400, 'what is not member_count, email_key, sort_name, invitation_open or sequence.');
  end case;
  perform internal.record_audit('repaired.' || what, c_actor, what, null);
  return v_count;
end
$$;

comment on function api.repair(text) is
'Repairs one kind of what api.check reports: member_count, email_key, sort_name, invitation_open or sequence. Returns
how many accounts, people, memberships or sequences were repaired; called again it returns 0. It locks the rows that it
repairs, and no table. Call it in its own transaction (READ COMMITTED). Raises PT400, PT401.';

grant execute on function api.repair(text) to accountsd_dba;
