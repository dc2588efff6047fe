-- The requests of a set in the JSON that accountsd sends. Defaults: operation "create", kind "account_user".
create or replace function internal.read_requests(elements jsonb)
returns internal.request[]
language plpgsql immutable parallel safe
as $$
begin
  return array(
    select (
      coalesce(e.element ->> 'operation', 'create'), coalesce(e.element ->> 'kind', 'account_user'),
      e.element ->> 'account', e.element ->> 'user', e.element ->> 'accountUser', e.element ->> 'group',
      coalesce(e.element ->> 'query', ''), e.element -> 'request', e.element ->> 'token', e.element ->> 'traceparent',
      e.element ->> 'idempotencyKey', e.element ->> 'codeSeed', coalesce(e.element -> 'rollback' = 'true', false)
    )::internal.request
    from jsonb_array_elements(elements) with ordinality as e (element, position)
    order by e.position);
end
$$;
