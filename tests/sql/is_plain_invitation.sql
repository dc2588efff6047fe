-- internal.request_errors finds no mistake in a request that internal.is_plain_invitation accepts.
begin;
select plan(12);

create temporary table invitation on commit drop as
select jsonb '{
  "user": {"email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace",
    "phone": {"prefix": "+44", "number": "2071234567"},
    "settings": {"cultureCode": "en-GB", "languageCode": "en"}},
  "account": {"id": "ACC-1671-0642"},
  "groups": [{"id": "UGR-8447-7590"}, {"id": "UGR-8447-7591"}],
  "invitation": {"status": "Invited"}}' as request;

-- Requests with every field left out, and with each of these values in every field.
create temporary table variant on commit drop as
with place as (
  select string_to_array(p, ',') as path
  from unnest(array['user', 'user,email', 'user,firstName', 'user,lastName', 'user,phone', 'user,phone,prefix',
    'user,phone,number', 'user,settings', 'user,settings,cultureCode', 'user,settings,languageCode', 'account',
    'account,id', 'groups', 'groups,0', 'groups,1', 'groups,1,id', 'invitation', 'invitation,status', 'unknown',
    'user,unknown', 'user,phone,unknown', 'user,settings,unknown', 'account,unknown', 'groups,0,unknown',
    'invitation,unknown']) as p
),
value as (
  select to_jsonb(v) as value
  from unnest(array['', ' ', 'a', ' a', 'a ', e'a\nb', e'a\u0085b', e'a\u200eb', e'\u00a0', e'\u3000a', 'José', '李',
    e'\u200b', e'\u3164', e'\u0301',
    e'\u0301a', e'\u00ad', e'\ufdd0',
    e'a\ufdd0', e'a\uffff', e'a\U0001fffe', e'a\U0010ffff', e'a\U0001f600', 'Ω', 'Я', e'\u00e9\u200b', 'a@xn--a.co',
    'a@XN--9CA.co', 'a@b-c.de', 'a@b--c.de', 'A@B.CO', 'a@b.xn--p1ai', 'a@xn--zz.de', e'\u212a@b.co',
    'a@b', 'a@b.c', 'a@b.co', 'a@-b.co', 'a@b-.co', 'a.b@c.d.ef', '.a@b.co', 'a.@b.co', 'a..b@c.de', 'a@b..co', 'a@b.1',
    'a@b.c1', 'A_b+c-d@e.f.gh', 'a@b.co ', 'a b@c.de', 'é@b.co', 'a@é.co', e'a@b.co\n', 'a@b_c.de', '"a"@b.co',
    'a/b', '/', 'a /b', ' /b', '/a', 'a/',
    repeat('a', 64) || '@b.co', repeat('a', 65) || '@b.co', 'a@' || repeat('b', 63) || '.co',
    'a@' || repeat('b', 64) || '.co', repeat('a', 100), repeat('a', 101), repeat('é', 100),
    '+', '+1', '+1234', '+12345', '1', '+1/1', '1/1', '123456789012345', '1234567890123456',
    'en', 'e', 'eng', 'en-GB', 'en-gb',
    'en-GBR', 'EN', 'x-private', repeat('en-', 20), 'ACC-1671-0642', 'ACC-1671-064', 'acc-1671-0642', 'ACC-1671-06420',
    'UGR-8447-7590', 'UGR-8447-7591', 'UGR-8447-759', 'UGR-8447-7590"}', 'Invited', 'invited', 'Active']) as v
  union all
  select v from unnest(array['null', '1', 'true', '[]', '{}', '[[]]', '[{}]', '["user"]', '[{"id": null}]',
    '{"id": "ACC-1671-0642"}', '{"id": "UGR-8447-7592"}', '{"id": "UGR-8447-7592", "a": 1}', '{"status": "Invited"}',
    '[{"id": "UGR-8447-7590"}]', '[{"id": "UGR-8447-7590"}, {"id": "UGR-8447-7590"}]',
    '[{"id": "UGR-8447-7590"}, {"id": "UGR-8447-7591"}, {"id": "UGR-8447-7592"}]',
    '[{"id": "UGR-8447-7590"}, {"id": "UGR-8447-7591"}, {"id": "UGR-8447-7590"}]',
    '[{"id": "UGR-8447-7590"}, {"id": "UGR-8447-7591"}, {"ID": "UGR-8447-7592"}]']::jsonb[]) as v
)
select jsonb_set(i.request, p.path, v.value) as request from invitation as i, place as p, value as v
union all
select i.request #- p.path from invitation as i, place as p
union all
select jsonb_set(i.request, '{groups}', (
  select jsonb_agg(jsonb_build_object('id', 'UGR-1000-' || lpad((n % m)::text, 4, '0')))
  from generate_series(1, m + d) as n))
from invitation as i, unnest(array[1, 2, 3, 50, 99, 100, 101]) as m, unnest(array[0, 1]) as d
union all
select v.value from value as v;

select is(internal.is_plain_invitation(i.request), true, 'the usual request is plain') from invitation as i;
select is(internal.is_plain_invitation(jsonb_set(i.request, '{user,email}', to_jsonb(v.email))), true,
  v.email || ' is plain')
from invitation as i, unnest(array['Ada.Lovelace@Example.COM', 'ada@my-firm.example.co', 'o''neill+tag@example.com'])
  as v (email);
select is(internal.is_plain_invitation(jsonb_set(i.request, '{user,firstName}', '"Ωμέγα 李"')), true,
  'a name in another script is plain') from invitation as i;
select is(internal.is_plain_invitation(jsonb_set(i.request, '{user,lastName}', '"ใจดี"')), true,
  'so is one in Thai') from invitation as i;
select is_empty(
  $$ select c.character
    from invitation as i, (
      select chr(n) as character from generate_series(1, 1114111) as n
      where n not between 55296 and 57343 and (n < 13312 or n % 97 = 0)
    ) as c
    where internal.is_plain_invitation(jsonb_set(i.request, '{user,firstName}', to_jsonb(c.character)))
      and internal.name_errors(c.character) is not null $$,
  'every character that a plain name may begin with is a name');
select is_empty(
  $$ select v.request, internal.request_errors(v.request, 'create_account_user') from variant as v
    where internal.is_plain_invitation(v.request)
      and internal.request_errors(v.request, 'create_account_user') is not null $$,
  'what is plain has no mistake');
select is_empty(
  $$ select v.request from variant as v where internal.is_plain_invitation(v.request) is null $$,
  'a request is plain or it is not');
select cmp_ok((select count(*) from variant as v where internal.is_plain_invitation(v.request)), '>', 100::bigint,
  'many variants are plain');
select cmp_ok((select count(*) from variant as v where not internal.is_plain_invitation(v.request)), '>', 1000::bigint,
  'many are not');
select is(internal.is_plain_invitation(null), false, 'nothing is not plain');

select * from finish();
rollback;
