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
'What has become of an invitation, for who has its code: {"state", "account", "user", "inviter", "expiresAt"}; the code
alone authorises. state: Open, Accepted, Expired, Superseded, Revoked (the membership was removed), Disabled (the
account is), or Wrong, which has no more to it. Changes nothing. Raises PT400.';

grant execute on function api.get_invitation(text, text) to accountsd_server, accountsd_dba;
