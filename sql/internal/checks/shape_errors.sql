-- Every mistake of a request object against internal.list_shape_fields(shape): one row for each field path and
-- message. path: the path of the object, '' for the request itself.
create or replace function internal.shape_errors(value jsonb, p_shape text, path text default '')
returns table (field text, message text)
language plpgsql immutable parallel safe
as $$
declare
  v_prefix constant text := case when path = '' then '' else path || '.' end;
  v_field record;
  v_value jsonb;
  v_messages text[];
  v_names text[] := array[]::text[];
begin
  if jsonb_typeof(value) <> 'object' then
    return query values (case when path = '' then '$' else path end, 'is not an object');
    return;
  end if;

  for v_field in
    select v_prefix || f.name as path, f.name, f.kind, f.is_required, split_part(f.kind, ':', 2) as shape
    from internal.list_shape_fields(p_shape) as f
  loop
    v_names := v_names || v_field.name;
    v_value := nullif(value -> v_field.name, 'null'::jsonb);
    if v_value is null then
      if v_field.is_required then
        return query values (v_field.path, 'is required');
      end if;
    elsif v_field.kind like 'object:%' then
      return query select * from internal.shape_errors(v_value, v_field.shape, v_field.path);
    elsif v_field.kind like 'array:%' then
      return query select * from internal.array_errors(v_value, v_field.shape, v_field.path);
    elsif v_field.kind = 'texts' then
      return query select * from internal.texts_errors(v_value, v_field.path);
    elsif v_field.kind = 'boolean' then
      if jsonb_typeof(v_value) <> 'boolean' then
        return query values (v_field.path, 'is not true or false');
      end if;
    elsif v_field.kind = 'integer' then
      if jsonb_typeof(v_value) <> 'number' or v_value::text !~ '^[1-9][0-9]{0,15}$' then
        return query values (v_field.path, 'is not a positive integer');
      end if;
    elsif jsonb_typeof(v_value) <> 'string' then
      return query values (v_field.path, 'is not a string');
    else
      v_messages := internal.text_errors(v_field.kind, v_value #>> '{}');
      if v_messages is not null then
        return query select v_field.path, m.message from unnest(v_messages) as m (message);
      end if;
    end if;
  end loop;

  return query
    select v_prefix || k.name, 'is not a known field' from jsonb_object_keys(value - v_names) as k (name);
end
$$;
