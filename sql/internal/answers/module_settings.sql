-- The settings object of a module.
create or replace function internal.module_settings(module accounts.module)
returns json
language sql stable parallel safe
as $$
  select json_build_object(
    'configurable', module.is_configurable,
    'default', module.is_default,
    'paid', module.is_paid,
    'type', module.types,
    'obsolete', module.is_obsolete,
    'eligibility', json_build_object('multi', module.eligible_multi, 'single', module.eligible_single))
$$;
