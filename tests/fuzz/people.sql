-- A dozen memberships for tests/fuzz/fuzz_rql.c: of two accounts, with groups, buyers and modules.
begin;
create function pg_temp.made(what text, request jsonb)
returns jsonb language plpgsql
as $$
declare
  v_id text;
begin
  execute format('select api.create_%s($1) ->> ''id''', what) into v_id using request;
  return jsonb_build_object('id', v_id);
end
$$;

do $$
declare
  v_account jsonb;
  v_module constant jsonb := pg_temp.made('module', '{"name": "Catalog", "description": "Products"}');
begin
  for v_number in 1 .. 2 loop
    v_account := pg_temp.made('account', jsonb_build_object('type', 'Client', 'name', 'Account ' || v_number));
    perform pg_temp.made('buyer', jsonb_build_object('account', v_account, 'name', 'North'));
    perform pg_temp.made('user_group', jsonb_build_object('account', v_account, 'name', 'Everyone',
      'isDefault', true, 'allBuyers', true, 'modules', jsonb_build_array(v_module)));
    for v_person in 1 .. 6 loop
      perform api.create_account_user(jsonb_build_object('account', v_account, 'user', jsonb_build_object(
        'email', format('person%s@example%s.com', v_person, v_number),
        'firstName', 'Ann' || v_person, 'lastName', 'Lee ' || v_number)));
    end loop;
  end loop;
end
$$;
commit;
