create or replace function api.create_module(request jsonb)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_settings constant jsonb := coalesce(nullif(request -> 'settings', 'null'), '{}');
  v_key bigint;
begin
  perform internal.require_shape(request, 'create_module');
  insert into accounts.module
    (name, description, is_configurable, is_default, is_paid, is_obsolete, types, eligible_multi, eligible_single,
      created_by)
  values (
    internal.trim_text(request ->> 'name'),
    request ->> 'description',
    coalesce((v_settings ->> 'configurable')::boolean, false),
    coalesce((v_settings ->> 'default')::boolean, false),
    coalesce((v_settings ->> 'paid')::boolean, false),
    coalesce((v_settings ->> 'obsolete')::boolean, false),
    array(select t.value from jsonb_array_elements_text(internal.read_items(v_settings, 'type')) as t (value)),
    coalesce((v_settings #>> '{eligibility,multi}')::boolean, true),
    coalesce((v_settings #>> '{eligibility,single}')::boolean, true),
    c_actor)
  on conflict (name) do nothing
  returning key into v_key;
  if v_key is null then
    perform internal.raise_problem(409, 'A module of this name exists.');
  end if;

  perform internal.record_audit('module.created', c_actor, internal.module_id(v_key), null);
  return (
    select json_build_object(
      'id', internal.module_id(m.key), 'description', m.description, 'name', m.name,
      'settings', internal.module_settings(m))
    from accounts.module as m
    where m.key = v_key);
end
$$;

comment on function api.create_module(jsonb) is
'Creates a module of the global catalogue. request: {"name", "description", "settings": {"configurable", "default",
"paid", "obsolete", "type": ["..."], "eligibility": {"multi", "single"}}}. Raises PT400, PT401, PT409 (name taken).';

grant execute on function api.create_module(jsonb) to accountsd_dba;
