-- The yardsticks that the procedures are measured against.
create schema if not exists bench;

-- The baseline for the procedure: only the inserts of one create, with the same rows, tables and constraints, but
-- without tokens, look-ups, checks and JSON.
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

-- The floor of a get: the simplest SQL that returns the same bytes. One statement for the token, the membership, its
-- account, what its groups give where that is stored, and the JSON. tests/sql/yardsticks.sql compares the bytes.
create or replace function bench.plain_read(account_user_id text, token text)
returns json
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
declare
  v_object json;
begin
  select json_build_object(
    'id', internal.account_user_id(u.key),
    'audit', json_build_object(
      'created', json_build_object('at', internal.timestamp_text(u.created_at), 'by', u.created_by),
      'updated', json_build_object('at', internal.timestamp_text(u.updated_at), 'by', u.updated_by),
      'invitationAcceptedAt', internal.timestamp_text(u.invitation_accepted_at),
      'access', json_build_object('at', internal.timestamp_text(u.access_at)),
      'joined', json_build_object('at', internal.timestamp_text(u.joined_at))),
    '$meta', json_build_object('omitted', json_build_array('invitation.url')),
    'user', json_build_object(
      'id', internal.person_id(u.person_key), 'icon', u.icon, 'name', u.first_name || ' ' || u.last_name),
    'groups', k.groups,
    'buyers', k.buyers,
    'modules', k.modules,
    'account', json_build_object(
      'id', internal.account_id(a.key), 'icon', a.icon, 'type', a.type, 'status', a.status, 'name', a.name),
    'invitation', json_build_object('status', case
      when u.status = 'Active' then 'Active'
      when (
        select i.expires_at > now()
        from accounts.invitation as i
        where i.account_user_key = u.key and i.status = 'Open')
        then 'Invited'
      else 'InvitationExpired' end),
    'lastLoginAt', internal.timestamp_text(u.last_login_at))
  into v_object
  from accounts.api_token as t
  join accounts.account as c on c.key = t.account_key and c.status <> 'Disabled'
  join accounts.account_user as u on u.key = internal.account_user_key(account_user_id) and u.status <> 'Removed'
    and (u.account_key = c.key or c.type = 'Operations')
  join accounts.account as a on a.key = u.account_key
  join accounts.user_group_set as k on k.user_group_keys = array(
    select l.user_group_key from accounts.account_user_group as l where l.account_user_key = u.key order by 1)
  where t.key = internal.api_token_key(split_part(token, ':', 1)) and t.status = 'Active'
    and t.proof_sha256 = internal.proof_sha256(split_part(token, ':', 2));
  return v_object;
end
$$;
