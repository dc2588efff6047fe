create or replace function api.create_user_group(request jsonb)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_account_key bigint;
  v_errors jsonb;
  v_group accounts.user_group;
begin
  perform internal.require_shape(request, 'create_user_group');
  v_account_key := internal.require_account(request);

  select jsonb_object_agg(e.field, jsonb_build_array(e.message)) into v_errors
  from (
    select format('buyers[%s].id', r.position - 1), 'is not a buyer of this account'
    from jsonb_array_elements(internal.read_items(request, 'buyers')) with ordinality as r (item, position)
    where not exists (
      select from accounts.buyer as b
      where b.key = internal.buyer_key(r.item ->> 'id') and b.account_key = v_account_key)
    union all
    select format('modules[%s].id', r.position - 1), 'is not a module'
    from jsonb_array_elements(internal.read_items(request, 'modules')) with ordinality as r (item, position)
    where not exists (select from accounts.module as m where m.key = internal.module_key(r.item ->> 'id'))
    union all
    select 'buyers', 'cannot be given together with allBuyers'
    where (request ->> 'allBuyers')::boolean and jsonb_array_length(internal.read_items(request, 'buyers')) > 0
  ) as e (field, message);
  if v_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', v_errors);
  end if;

  insert into accounts.user_group (account_key, name, description, logo, is_default, has_all_buyers, created_by)
  values (
    v_account_key,
    internal.trim_text(request ->> 'name'),
    request ->> 'description',
    request ->> 'logo',
    coalesce((request ->> 'isDefault')::boolean, false),
    coalesce((request ->> 'allBuyers')::boolean, false),
    c_actor)
  on conflict do nothing
  returning * into v_group;
  if v_group.key is null then
    perform internal.raise_problem(409, 'The account has a group of this name, or a default group, already.');
  end if;

  insert into accounts.user_group_module (user_group_key, module_key)
  select v_group.key, internal.module_key(r.item ->> 'id')
  from jsonb_array_elements(internal.read_items(request, 'modules')) as r (item);

  insert into accounts.user_group_buyer (user_group_key, buyer_key, account_key)
  select v_group.key, internal.buyer_key(r.item ->> 'id'), v_account_key
  from jsonb_array_elements(internal.read_items(request, 'buyers')) as r (item);

  perform internal.record_audit(
    'user_group.created', c_actor, internal.user_group_id(v_group.key), v_account_key);
  return json_build_object(
    'id', internal.user_group_id(v_group.key), 'name', v_group.name, 'description', v_group.description,
    'logo', v_group.logo, 'isDefault', v_group.is_default);
end
$$;

comment on function api.create_user_group(jsonb) is
'Creates a user group of an account. request: {"account": {"id"}, "name", "description", "logo", "isDefault",
"modules": [{"id"}], and either "buyers": [{"id"}] or "allBuyers": true}. Raises PT400, PT401,
PT409 (the name is taken, or the account has a default group).';

grant execute on function api.create_user_group(jsonb) to accountsd_dba;
