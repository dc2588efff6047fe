create or replace function api.get_invitation(account_user_id text, code text)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return internal.answer_or_raise(internal.serve(internal.make_request(
    'get_invitation', 'account_user', account_user_id => account_user_id, body => jsonb_build_object('code', code))));
end
$$;

comment on function api.get_invitation(text, text) is
'The state of an invitation, for the holder of its code: {"state", "account", "user", "inviter", "expiresAt"}. The code
alone authorises. state: Open, Accepted, Expired, Superseded, Revoked (the membership was removed), Disabled (the
account is disabled), or Wrong, which is the only member then. Changes nothing. Raises PT400.';

grant execute on function api.get_invitation(text, text) to accountsd_server, accountsd_dba;
