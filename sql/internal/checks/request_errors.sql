-- A row for each mistake of a request.
create or replace function internal.request_mistakes(request jsonb, shape text)
returns table (field text, message text)
language plpgsql immutable parallel safe
as $$
begin
  if shape like 'array:%' then
    return query select * from internal.array_errors(request, split_part(shape, ':', 2));
  else
    return query select * from internal.shape_errors(request, shape);
  end if;
end
$$;

-- The errors object of a request, {"field path": ["message", ...], ...}; null if it has no mistakes. shape: a shape
-- of internal.list_shape_fields, or 'array:<shape>' for a request that is an array. Written in plpgsql, because the
-- planner would plan an SQL function anew for every request.
create or replace function internal.request_errors(request jsonb, shape text)
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
  return (
    select jsonb_object_agg(e.field, e.messages)
    from (
      select s.field, jsonb_agg(s.message) as messages
      from internal.request_mistakes(coalesce(request, 'null'), shape) as s
      group by s.field
    ) as e);
end
$$;
