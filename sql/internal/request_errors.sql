-- The errors object of a request, {"field path": ["message", ...], ...}; null when it has none.
-- plpgsql and not SQL, because the planner would plan an SQL function anew for every request.
create or replace function internal.request_errors(request jsonb, shape text)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return (
    select jsonb_object_agg(e.field, e.messages)
    from (
      select s.field, jsonb_agg(s.message) as messages
      from internal.shape_errors(coalesce(request, 'null'), shape) as s
      group by s.field
    ) as e);
end
$$;
