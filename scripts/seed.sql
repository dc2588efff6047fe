-- The demo data: objects with the same names are reused, the others are created by api functions. Returns one JSON
-- object, which scripts/seed stores.
\getenv kept DEMO_KEPT

begin;

set local client_min_messages = warning;

\o /dev/null
select pg_advisory_xact_lock(hashtext('accountsd demo data'));
\o

create function pg_temp.demo_account(type text, name text)
returns text language sql
as $$
  select coalesce(
    (select internal.account_id(min(a.key)) from accounts.account as a
      where a.type::text = demo_account.type and a.name = demo_account.name),
    api.create_account(jsonb_build_object('type', type, 'name', name)) ->> 'id')
$$;

create function pg_temp.demo_module(name text, description text)
returns text language sql
as $$
  select coalesce(
    (select internal.module_id(m.key) from accounts.module as m where m.name = demo_module.name),
    api.create_module(jsonb_build_object('name', name, 'description', description)) ->> 'id')
$$;

create function pg_temp.demo_buyer(account text, name text)
returns text language sql
as $$
  select coalesce(
    (select internal.buyer_id(min(b.key)) from accounts.buyer as b
      where b.account_key = internal.account_key(account) and b.name = demo_buyer.name),
    api.create_buyer(jsonb_build_object('account', jsonb_build_object('id', account), 'name', name)) ->> 'id')
$$;

-- A group without buyers is for all buyers of its account.
create function pg_temp.demo_group(account text, name text, is_default boolean,
  modules text[], buyers text[] default null)
returns jsonb language sql
as $$
  select jsonb_build_object('name', name, 'isDefault', is_default, 'id', coalesce(
    (select internal.user_group_id(g.key) from accounts.user_group as g
      where g.account_key = internal.account_key(account) and g.name = demo_group.name),
    api.create_user_group(jsonb_build_object(
      'account', jsonb_build_object('id', account),
      'name', name,
      'description', name || ' of the demo account',
      'isDefault', is_default,
      'modules', (select jsonb_agg(jsonb_build_object('id', m)) from unnest(modules) as m)
    ) || case when buyers is null then jsonb_build_object('allBuyers', true)
      else jsonb_build_object('buyers', (select jsonb_agg(jsonb_build_object('id', b)) from unnest(buyers) as b))
    end) ->> 'id'))
$$;

create function pg_temp.demo_token(account text, kept text)
returns text language sql
as $$
  select coalesce(
    (select kept from accounts.api_token as t
      where t.account_key = internal.account_key(account) and t.status = 'Active'
        and t.proof_sha256 = internal.proof_sha256(internal.secret_proof(split_part(kept, ':', 3)))),
    api.create_api_token(jsonb_build_object('account', jsonb_build_object('id', account), 'name', 'Demo')) ->> 'token')
$$;

select
  pg_temp.demo_module('Catalog', 'Products and their prices') as catalog,
  pg_temp.demo_module('Orders', 'Orders and their fulfilment') as orders,
  pg_temp.demo_module('Billing', 'Invoices and statements') as billing,
  pg_temp.demo_account('Operations', 'Demo Operations') as operations,
  pg_temp.demo_account('Client', 'Demo Client') as client,
  pg_temp.demo_account('Vendor', 'Demo Vendor') as vendor
\gset

select
  pg_temp.demo_buyer(:'operations', 'Head Office') as head_office,
  pg_temp.demo_buyer(:'client', 'North Region') as north,
  pg_temp.demo_buyer(:'client', 'South Region') as south,
  pg_temp.demo_buyer(:'vendor', 'Partner Sales') as partner
\gset

-- A deployment that has configured where its invitations lead keeps its setting.
\o /dev/null
select api.configure(jsonb_build_object('invitation.urlBase', :'url_base'))
where :'url_base' not in ('', api.configure('{}') ->> 'invitation.urlBase')
  and api.configure('{}') ->> 'invitation.urlBase' like 'http://127.0.0.1:%';
\o

select jsonb_build_object(
  'operations', jsonb_build_object(
    'id', :'operations',
    'token', pg_temp.demo_token(:'operations', :'kept'::jsonb -> 'operations' ->> 'token'),
    'groups', jsonb_build_array(
      pg_temp.demo_group(:'operations', 'Staff', true, array[:'catalog', :'orders', :'billing']),
      pg_temp.demo_group(:'operations', 'Auditors', false, array[:'billing'], array[:'head_office']))),
  'client', jsonb_build_object(
    'id', :'client',
    'token', pg_temp.demo_token(:'client', :'kept'::jsonb -> 'client' ->> 'token'),
    'groups', jsonb_build_array(
      pg_temp.demo_group(:'client', 'Everyone', true, array[:'catalog', :'orders']),
      pg_temp.demo_group(:'client', 'Purchasing North', false, array[:'orders', :'billing'], array[:'north']),
      pg_temp.demo_group(:'client', 'Purchasing', false, array[:'orders'], array[:'north', :'south']))),
  'vendor', jsonb_build_object(
    'id', :'vendor',
    'token', pg_temp.demo_token(:'vendor', :'kept'::jsonb -> 'vendor' ->> 'token'),
    'groups', jsonb_build_array(
      pg_temp.demo_group(:'vendor', 'Everyone', true, array[:'catalog']),
      pg_temp.demo_group(:'vendor', 'Sales', false, array[:'catalog', :'orders'], array[:'partner']))));

commit;
