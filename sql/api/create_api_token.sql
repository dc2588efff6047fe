create or replace function api.create_api_token(request jsonb)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_secret constant text := internal.make_secret();
  v_token accounts.api_token;
begin
  perform internal.require_shape(request, 'create_api_token');
  insert into accounts.api_token (account_key, name, icon, proof_sha256, created_by)
  values (
    internal.require_account(request),
    internal.trim_text(request ->> 'name'),
    request ->> 'icon',
    internal.proof_sha256(internal.secret_proof(v_secret)),
    c_actor)
  returning * into v_token;

  perform internal.record_audit(
    'api_token.created', c_actor, internal.api_token_id(v_token.key), v_token.account_key);
  return json_build_object(
    'id', internal.api_token_id(v_token.key), 'name', v_token.name, 'icon', v_token.icon, 'status', v_token.status,
    'token', 'idt:' || internal.api_token_id(v_token.key) || ':' || v_secret);
end
$$;

comment on function api.create_api_token(jsonb) is
'Creates an API token of an account. request: {"account": {"id"}, "name", "icon"}. Returns it with "token", the text
to send as "Authorization: Bearer <token>". The secret is shown only this once. Raises PT400, PT401.';

grant execute on function api.create_api_token(jsonb) to accountsd_dba;
