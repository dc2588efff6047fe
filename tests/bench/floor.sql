-- The baseline for the procedure: only the inserts of one create, with the same rows, tables and constraints, but
-- without tokens, look-ups, checks and JSON.
create schema if not exists bench;

create or replace function bench.floor(email text, account_key bigint, code text)
returns bigint
language plpgsql
as $$
declare
  c_actor constant jsonb := '{"id": "TKN-0000-0000", "icon": null, "name": "bench"}';
  v_person bigint;
  v_member bigint;
  v_invitation bigint;
begin
  insert into accounts.person (email_key) values (email) returning key into v_person;
  insert into accounts.account_user (account_key, person_key, created_by, updated_by, email, first_name, last_name,
    phone_prefix, phone_number, culture_code, language_code)
  values (account_key, v_person, c_actor, c_actor, email, 'Ada', 'Lovelace', '+44', '2071234567', 'en-GB', 'en')
  returning key into v_member;
  insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
  values (v_member, 3 * account_key - 2, account_key), (v_member, 3 * account_key - 1, account_key);
  insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
  values (v_member, sha256(convert_to(code, 'UTF8')), now() + interval '7 days', c_actor)
  returning key into v_invitation;
  insert into accounts.outbox (topic, invitation_key) values ('invitation.mail', v_invitation);
  insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
  values ('account_user.invited', c_actor, 'accountsd_server', '4bf92f3577b34da6a3ce929d0e0e4736',
    'AUSR-0000-0000-0000', account_key);
  return v_member;
end
$$;
