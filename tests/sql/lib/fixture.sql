-- Included at the start of a test's transaction (\ir lib/fixture.sql): three accounts created by api functions, as a
-- DBA does, with their ids in psql variables, and helpers in pg_temp. A test switches roles with "set local role" for
-- a call and with "reset role" to read tables.

-- The error that a call raises, as {"sqlstate", "message", "errors"}; null if it succeeds.
create function pg_temp.problem(call text)
returns jsonb
language plpgsql
as $$
declare
  v_state text;
  v_message text;
  v_detail text;
begin
  execute call;
  return null;
exception
  when others then
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail;
    return jsonb_build_object(
      'sqlstate', v_state,
      'message', v_message,
      'errors', case when v_state like 'PT%' then nullif(v_detail, '')::jsonb else to_jsonb(nullif(v_detail, '')) end);
end
$$;

create function pg_temp.invite_problem(request jsonb, token text default null, traceparent text default null)
returns jsonb
language sql
as $$
  select pg_temp.problem(format('select api.create_account_user(%L, %L, %L)', request, token, traceparent))
$$;

-- The problem of a request with these mistakes.
create function pg_temp.invalid(errors jsonb)
returns jsonb
language sql
as $$
  select jsonb_build_object('sqlstate', 'PT400', 'message', 'The request is not valid.', 'errors', errors)
$$;

-- The name of the constraint that a statement violates; null if it succeeds.
create function pg_temp.violation(statement text)
returns text
language plpgsql
as $$
declare
  v_constraint text;
  v_message text;
begin
  execute statement;
  return null;
exception
  when others then
    get stacked diagnostics v_constraint = constraint_name, v_message = message_text;
    return coalesce(nullif(v_constraint, ''), v_message);
end
$$;

-- The token argument for "idt:<token id>:<secret>".
create function pg_temp.credential(token text)
returns text
language sql
as $$
  select split_part(token, ':', 2) || ':' || encode(sha256(convert_to(split_part(token, ':', 3), 'UTF8')), 'hex')
$$;

create function pg_temp.ids(variadic ids text[])
returns jsonb
language sql
as $$
  select jsonb_agg(jsonb_build_object('id', i.id) order by i.position)
    from unnest(ids) with ordinality as i (id, position)
$$;

create function pg_temp.of_account(account text, fields jsonb)
returns jsonb
language sql
as $$
  select fields || jsonb_build_object('account', jsonb_build_object('id', account))
$$;

-- A request to invite; without groups, into the default group.
create function pg_temp.invitation(email text, account text default null, groups jsonb default null)
returns jsonb
language sql
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'user', jsonb_build_object('email', email, 'firstName', 'Ada', 'lastName', 'Lovelace'),
    'account', case when account is not null then jsonb_build_object('id', account) end,
    'groups', groups))
$$;

-- The one-time code in a response.
create function pg_temp.code(answer jsonb)
returns text
language sql
as $$
  select substring(answer #>> '{invitation,url}' from '[^/]*$')
$$;

-- Every row of every table of accounts, except caches and the counters of limits (see limits.sql); used to detect
-- changes.
create function pg_temp.contents()
returns text[]
language plpgsql
as $$
declare
  v_table regclass;
  v_rows text[];
  v_contents text[] := '{}';
begin
  for v_table in
    select c.oid from pg_class as c
      where c.relnamespace = 'accounts'::regnamespace and c.relkind = 'r'
        and c.relname not in ('user_group_set', 'invitation_use')
      order by c.relname
  loop
    execute format('select array_agg(%L || r::text order by r::text) from %s as r', v_table || ' ',
      v_table) into v_rows;
    v_contents := v_contents || v_rows;
  end loop;
  return v_contents;
end
$$;

-- The rows removed (-) or added (+) since the contents before.
create function pg_temp.changes(before text[])
returns text[]
language sql
as $$
  select coalesce(array_agg(d.line order by d.line collate "C"), '{}')
  from (
    (select '- ' || b from unnest(before) as b except all select '- ' || a from unnest(pg_temp.contents()) as a)
    union all
    (select '+ ' || a from unnest(pg_temp.contents()) as a except all select '+ ' || b from unnest(before) as b)
  ) as d (line)
$$;

-- The tables of accounts that contain a text in any column of any type, as text or as bytes.
create function pg_temp.tables_with(needle text)
returns text[]
language sql
as $$
  select coalesce(array_agg(distinct split_part(c.line, ' ', 1)), '{}')
  from unnest(pg_temp.contents()) as c (line)
  where position(needle in c.line) > 0
    or position(encode(convert_to(needle, 'UTF8'), 'hex') in c.line) > 0
    or position(encode(convert_to(needle, 'UTF8'), 'base64') in c.line) > 0
$$;

set local role accountsd_dba;

select api.create_module('{"name": "Fixture Catalog", "description": "Products", "settings": {"configurable": true,
  "default": true, "paid": false, "type": ["Sales", "Support"], "obsolete": false,
  "eligibility": {"multi": true, "single": false}}}') ->> 'id' as catalog \gset
select api.create_module('{"name": "Fixture Orders"}') ->> 'id' as orders \gset
select api.create_module('{"name": "Fixture Billing"}') ->> 'id' as billing \gset

select api.create_account('{"type": "Operations", "name": "Fixture Operations"}') ->> 'id' as operations \gset
select api.create_account('{"type": "Client", "name": "Fixture Client", "icon": "client.png"}') ->> 'id' as client \gset
select api.create_account('{"type": "Vendor", "name": "Fixture Vendor"}') ->> 'id' as vendor \gset

select api.create_buyer(pg_temp.of_account(:'client', '{"name": "North", "icon": "north.png"}')) ->> 'id' as north \gset
select api.create_buyer(pg_temp.of_account(:'client', '{"name": "South"}')) ->> 'id' as south \gset
select api.create_buyer(pg_temp.of_account(:'vendor', '{"name": "Partner"}')) ->> 'id' as partner \gset

select api.create_user_group(pg_temp.of_account(:'operations',
  '{"name": "Staff", "isDefault": true, "allBuyers": true}')
  || jsonb_build_object('modules', pg_temp.ids(:'catalog'))) ->> 'id' as operations_staff \gset
select api.create_user_group(pg_temp.of_account(:'client',
    '{"name": "Everyone", "description": "All of us", "logo": "all.png", "isDefault": true, "allBuyers": true}')
  || jsonb_build_object('modules', pg_temp.ids(:'catalog', :'orders'))) ->> 'id' as client_everyone \gset
select api.create_user_group(pg_temp.of_account(:'client', '{"name": "Northern"}')
  || jsonb_build_object('modules', pg_temp.ids(:'orders', :'billing'), 'buyers', pg_temp.ids(:'north'))) ->> 'id'
  as client_northern \gset
select api.create_user_group(pg_temp.of_account(:'client', '{"name": "Southern"}')
  || jsonb_build_object('modules', pg_temp.ids(:'orders'), 'buyers', pg_temp.ids(:'south'))) ->> 'id'
  as client_southern \gset
-- The vendor has no default group.
select api.create_user_group(pg_temp.of_account(:'vendor', '{"name": "Sales"}')
  || jsonb_build_object('buyers', pg_temp.ids(:'partner'))) ->> 'id' as vendor_sales \gset

select api.create_api_token(pg_temp.of_account(:'operations', '{"name": "Operations token"}')) ->> 'token'
  as operations_bearer \gset
select api.create_api_token(pg_temp.of_account(:'client', '{"name": "Client token", "icon": "token.png"}')) ->> 'token'
  as client_bearer \gset
select api.create_api_token(pg_temp.of_account(:'vendor',
  '{"name": "Vendor token"}')) ->> 'token' as vendor_bearer \gset

reset role;

select
  pg_temp.credential(:'operations_bearer') as operations_token,
  pg_temp.credential(:'client_bearer') as client_token,
  pg_temp.credential(:'vendor_bearer') as vendor_token
\gset
