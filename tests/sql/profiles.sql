-- Whose data about a person are shown: the inviter's until the invitation is accepted, then the person's profile,
-- which the first acceptance creates.
begin;
\ir lib/fixture.sql
\ir lib/membership.sql
select plan(29);

create function pg_temp.words(email text, first_name text, phone text, language text)
returns jsonb
language sql
as $$
  select jsonb_build_object('user', jsonb_build_object('email', email, 'firstName', first_name, 'lastName', 'Lovelace',
    'phone', jsonb_build_object('prefix', '+44', 'number', phone),
    'settings', jsonb_build_object('cultureCode', language, 'languageCode', language)))
$$;

-- What the account of a token is shown of the person, by every operation.
create function pg_temp.shown(account text, token text, invited jsonb)
returns jsonb
language sql
as $$
  select jsonb_build_object(
    'user', u.answer - '{id,status,account,groups,buyers,modules,invitation,audit,lastLoginAt,$meta}'::text[],
    'account_user', m.answer -> 'user' -> 'name',
    'list', (l.answer #> '{data,0}')
      - '{id,status,account,groups,buyers,modules,invitation,audit,lastLoginAt,$meta}'::text[],
    'by_name', (n.answer #> '{$meta,pagination,total}')::int,
    'page', p.answer #> '{user,name}')
  from pg_temp.answer('accountsd_server',
      pg_temp.call('get_user', null, array[account, invited #>> '{user,id}'], jsonb_build_object('token', token)))
      as u (answer),
    pg_temp.answer('accountsd_server',
      pg_temp.call('get_account_user', null, array[invited ->> 'id'], jsonb_build_object('token', token)))
      as m (answer),
    pg_temp.answer('accountsd_server', format('select api.list_users(%L, %L, %L)', account,
      'id=' || (invited #>> '{user,id}'), token)) as l (answer),
    pg_temp.answer('accountsd_server', format('select api.list_account_users(%L, %L)',
      'eq(user.name,' || (u.answer ->> 'name') || ')&id=' || (invited ->> 'id') || '&limit=0', token)) as n (answer),
    pg_temp.answer('accountsd_server', format('select api.get_invitation(%L, %L)', invited ->> 'id',
      pg_temp.code(invited))) as p (answer)
$$;

create function pg_temp.expected(words jsonb)
returns jsonb
language sql
as $$
  select jsonb_build_object('user', u, 'account_user', u -> 'name', 'list', u, 'by_name', 1, 'page', u -> 'name')
  from (
    select (words -> 'user') || jsonb_build_object('icon', null,
      'name', words #>> '{user,firstName}' || ' Lovelace') as u
  ) as w
$$;

select pg_temp.words('Kate@Example.com', 'Kate', '1', 'en') as client_words,
  pg_temp.words('KATE@example.com', 'Katherine', '22', 'de') as vendor_words,
  pg_temp.words('kate@example.COM', 'Kat', '333', 'fr') as other_words \gset
set local role accountsd_server;
select api.create_account_user(:'client_words'::jsonb
  || jsonb_build_object('groups', pg_temp.ids(:'client_everyone')), :'client_token') as of_client,
  api.create_account_user(:'vendor_words'::jsonb
  || jsonb_build_object('groups', pg_temp.ids(:'vendor_sales')), :'vendor_token') as of_vendor \gset
reset role;
select is(:'of_vendor'::jsonb #>> '{user,id}', :'of_client'::jsonb #>> '{user,id}', 'two accounts invite one person');
select is(:'of_client'::jsonb #>> '{user,name}', 'Kate Lovelace', 'the first is answered with its own name');
select is(:'of_vendor'::jsonb #>> '{user,name}', 'Katherine Lovelace', 'the second too');
select is(pg_temp.shown(:'client', :'client_token', :'of_client'), pg_temp.expected(:'client_words'),
  'the first inviter is shown their own data, everywhere');
select is(pg_temp.shown(:'vendor', :'vendor_token', :'of_vendor'), pg_temp.expected(:'vendor_words'),
  'the second as well');

-- Mails use the spelling and the language that their inviter entered.
create temp table mail as
select c.message from api.claim_deliveries(100, '1 minute') as c where c.message #>> '{to,email}' ilike 'kate@%';
select set_eq(
  $$ select concat_ws(' ', message #>> '{to,email}', message #>> '{to,firstName}', message ->> 'language',
    message ->> 'culture') from mail $$,
  array['Kate@Example.com Kate en en', 'KATE@example.com Katherine de de'],
  'each mail has its own inviter''s words');
select set_eq(
  $$ select concat_ws(' ', v #>> '{user,name}', v #>> '{user,email}')
    from json_array_elements(api.list_deliveries() -> 'data') as v where v #>> '{user,email}' ilike 'kate@%' $$,
  array['Kate Lovelace Kate@Example.com', 'Katherine Lovelace KATE@example.com'],
  'so has the list of deliveries');

-- A dry run does not reveal whether the person is known.
create function pg_temp.rehearsed(request jsonb)
returns jsonb
language plpgsql
as $$
declare
  v_answer jsonb;
begin
  perform set_config('role', 'accountsd_server', true);
  select jsonb_build_object('status', v.status, 'body', v.body) into v_answer
  from api.create_account_users(jsonb_build_array(request || '{"rollback": true, "kind": "user"}')) as v;
  perform set_config('role', 'none', true);
  return v_answer;
end
$$;
create function pg_temp.masked(answer jsonb)
returns text
language sql
as $$
  select regexp_replace(regexp_replace(regexp_replace(answer::text, '/[A-Za-z0-9_-]{43}"', '/<code>"'),
    '[0-9]', '0', 'g'), '[kK][aA][tT][eE]@|[nN][oO][bB][oO][dD][yY]@', '<name>@', 'g')
$$;
create temp table dry as
select e.name, pg_temp.rehearsed(jsonb_build_object('account', :'operations', 'token', :'operations_token', 'request',
    pg_temp.words(e.email, 'Kat', '333', 'fr')
      || jsonb_build_object('groups', pg_temp.ids(:'operations_staff')))) as answer
from (values ('kate@example.COM', 'known'), ('nobody@example.COM', 'unknown')) as e (email, name);
select is(d.answer ->> 'status', '201', format('a dry run for a person who is %s is answered', d.name)) from dry as d;
select is(
  (d.answer -> 'body') - '{id,status,account,groups,buyers,modules,invitation,audit,lastLoginAt,$meta}'::text[],
  (pg_temp.words(case d.name when 'known' then 'kate@example.COM' else 'nobody@example.COM' end, 'Kat', '333', 'fr')
    -> 'user') || jsonb '{"icon": null, "name": "Kat Lovelace"}', format('%s: with the words of its request', d.name))
from dry as d;
select is((select count(distinct pg_temp.masked(d.answer)) from dry as d), 1::bigint,
  'the two differ in ids, times and code alone');
select cmp_ok(
  (select internal.person_key(d.answer #>> '{body,id}') from dry as d where d.name = 'unknown'), '<=', 1000000::bigint,
  'the id of one who is not known is one of those for dry runs');
select is(
  (select d.answer #>> '{body,id}' from dry as d where d.name = 'known'), :'of_client'::jsonb #>> '{user,id}',
  'that of one who is known is theirs');

-- A new invitation brings its own data.
select pg_temp.answer('accountsd_server', format('select api.create_account_user(%L, %L)',
  pg_temp.words('kate@EXAMPLE.com', 'Cate', '1', 'es') || jsonb_build_object('groups', pg_temp.ids(:'client_everyone')),
  :'client_token')) as of_client \gset
select pg_temp.words('kate@EXAMPLE.com', 'Cate', '1', 'es') as client_words \gset
select is(pg_temp.shown(:'client', :'client_token', :'of_client'), pg_temp.expected(:'client_words'),
  'a new invitation replaces the data of the previous one');
select is(pg_temp.shown(:'vendor', :'vendor_token', :'of_vendor'), pg_temp.expected(:'vendor_words'),
  'and changes nothing for another');
select is((select p.accepted_at from accounts.person as p where p.email_key = 'kate@example.com'), null,
  'until now the person is nobody''s');

-- The first acceptance creates the profile; the other membership keeps its data until it is accepted.
create function pg_temp.accept_code(invited jsonb)
returns jsonb
language sql
as $$
  select pg_temp.answer('accountsd_server', pg_temp.call('accept_account_user_invite', null, array[invited ->> 'id'],
    jsonb_build_object('request', jsonb_build_object('code', pg_temp.code(invited)))))
$$;
select pg_temp.accept_code(:'of_vendor') #>> '{user,name}' as accepted \gset
select is(:'accepted'::text, 'Katherine Lovelace', 'who accepts has the name that the invitation gave');
select is(
  (select jsonb_build_array(p.email, p.first_name, p.last_name, p.phone_prefix, p.phone_number, p.culture_code,
      p.language_code, p.accepted_at = now()) from accounts.person as p where p.email_key = 'kate@example.com'),
  '["KATE@example.com", "Katherine", "Lovelace", "+44", "22", "de", "de", true]', 'which is their profile now');
select is(pg_temp.shown(:'vendor', :'vendor_token', :'of_vendor'), pg_temp.expected(:'vendor_words'),
  'the accepted membership shows it');
select is(pg_temp.shown(:'client', :'client_token', :'of_client'), pg_temp.expected(:'client_words'),
  'the one that is not accepted does not');
select is(
  (select r.actor ->> 'name' from accounts.audit_record as r
    where r.object_id = :'of_vendor'::jsonb ->> 'id' and r.action = 'account_user.accepted'),
  'Katherine Lovelace', 'the acceptance is audited as theirs');
select is(pg_temp.accept_code(:'of_client') #>> '{user,name}', 'Katherine Lovelace',
  'one that is accepted later shows the profile');
select is(pg_temp.shown(:'client', :'client_token', :'of_client'), pg_temp.expected(:'vendor_words'), 'everywhere');

-- A changed profile is shown in each accepted membership, and in no other.
set local role accountsd_server;
select api.create_account_user(:'other_words'::jsonb
  || jsonb_build_object('groups', pg_temp.ids(:'operations_staff')), :'operations_token') as of_operations \gset
reset role;
update accounts.person set email = 'Kate.King@example.com', first_name = 'K.', icon = 'k.png'
where email_key = 'kate@example.com';
select is(u.email || ' ' || u.first_name || coalesce(' ' || u.icon, '') || ' ' || u.sort_name, m.expected, m.name)
from (values
  (:'of_client'::jsonb, 'Kate.King@example.com K. k.png K. LOVELACE', 'an accepted membership follows the profile'),
  (:'of_vendor', 'Kate.King@example.com K. k.png K. LOVELACE', 'so does each'),
  (:'of_operations', 'kate@example.COM Kat KAT LOVELACE', 'one that is not accepted has its inviter''s words')
) as m (invited, expected, name)
join accounts.account_user as u on u.key = internal.account_user_key(m.invited ->> 'id');
update accounts.account_user set first_name = 'Other', email = 'other@example.com'
where key = internal.account_user_key(:'of_client'::jsonb ->> 'id');
select is(
  (select u.email || ' ' || u.first_name from accounts.account_user as u
    where u.key = internal.account_user_key(:'of_client'::jsonb ->> 'id')),
  'Kate.King@example.com K.', 'an accepted membership always shows the profile');

-- After removal and a new invitation, the inviter's data are shown again.
select pg_temp.answer('accountsd_server', format('select to_json(api.remove_account_user(%L, %L))',
  :'of_client'::jsonb ->> 'id', :'client_token')) \g /dev/null
select pg_temp.answer('accountsd_server', format('select api.create_account_user(%L, %L)',
  :'client_words'::jsonb || jsonb_build_object('groups', pg_temp.ids(:'client_everyone')), :'client_token'))
  as of_client \gset
select is(pg_temp.shown(:'client', :'client_token', :'of_client'), pg_temp.expected(:'client_words'),
  'invited again after a removal, the inviter''s words are shown, and no icon');

select * from finish();
rollback;
