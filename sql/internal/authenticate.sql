-- Who calls: a token ("<token id>:<hex SHA-256 of its secret>"), or without one the database role.
create or replace function internal.authenticate(token text, traceparent text)
returns internal.caller
language plpgsql stable
as $$
declare
  v_trace_id constant text := internal.trace_id(traceparent);
  v_role_actor jsonb;
  v_token record;
begin
  if token is null then
    v_role_actor := internal.caller_actor();
    if v_role_actor is not null then
      return (200, null, v_role_actor, v_trace_id, null, true)::internal.caller;
    end if;
  else
    select t.actor, t.account_key, t.account_type, t.account_status into v_token
    from internal.token_callers() as t
    where t.key = internal.api_token_key(split_part(token, ':', 1))
      and t.secret_sha256 = internal.hash_of_text(split_part(token, ':', 2));
    if found then
      if v_token.account_status = 'Disabled' then
        return (403, 'The account of the API token is disabled.', null, null, null, null)::internal.caller;
      end if;
      return (200, null, v_token.actor, v_trace_id, v_token.account_key, v_token.account_type = 'Operations')
        ::internal.caller;
    end if;
  end if;
  return (401, 'A valid API token is required.', null, null, null, null)::internal.caller;
end
$$;
