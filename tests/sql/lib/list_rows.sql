-- Included after lib/fixture.sql: some sixty memberships of the client and the vendor with every state, with names
-- that contain every special character of queries, and with groups. They are inserted as rows, so that their times
-- differ.
create temp table list_name (place int, first_name text, last_name text);
insert into list_name
select n.place, n.first_name, n.last_name
from unnest(
  array['Ann', 'ann', 'Anna', 'Bob', 'O''Brien', 'Zoë', 'ZOË', 'a,b', 'x(y)', '100%', 'under_score', 'star*name',
    'a&b', 'quote"d', 'back\slash', 'plus+one', 'eq=uals', 'Ünal', 'José', 'null()'],
  array['Lee', 'LEE', 'Smith', 'Jones', 'Ray', 'Rey', 'Roy', 'May', 'Moy', 'Day', 'Doe', 'Foo', 'Bar', 'Baz', 'Qux',
    'Kim', 'Lim', 'Öz', 'Poe', 'Coe']) with ordinality as n (first_name, last_name, place);

create temp table list_person as
select
  i,
  format('%s.%s@List.Example', n.last_name, i) as email,
  n.first_name, n.last_name,
  case i % 4 when 0 then 'i' || i % 3 || '.png' when 1 then '' end as icon,
  case when i % 2 = 0 then '+4' || i % 10 end as phone_prefix,
  case when i % 3 = 0 then i::text end as phone_number,
  case i % 3 when 0 then 'en' when 1 then 'de-DE' end as language_code
from generate_series(1, 60) as i
join list_name as n on n.place = i % 20 + 1
order by i;
insert into accounts.person (email_key) select internal.email_key(p.email) from list_person as p order by p.i;

-- Times repeat, so that there are ties.
insert into accounts.account_user as u (account_key, person_key, status, created_at, created_by, updated_at, updated_by,
  joined_at, last_login_at, email, first_name, last_name, icon, phone_prefix, phone_number, language_code)
select
  internal.account_key(case when p.key % 5 = 4 then :'vendor' else :'client' end), p.key,
  (array['Invited', 'Active', 'Invited', 'Active', 'Removed'])[case when p.key % 11 = 0 then 5 else p.key % 4 + 1 end]
    ::accounts.account_user_status,
  timestamptz '2026-03-01 12:00:00.123456+00' + (p.key % 13) * interval '1 day 1 hour', '{"name": "lister"}',
  timestamptz '2026-05-01 00:00:00+00' + (p.key % 3) * interval '1 microsecond',
  '{"id": "TKN-0000-0001", "name": "Token", "icon": null}',
  case when p.key % 2 = 1 then timestamptz '2026-06-01 00:00:00+00' end,
  case when p.key % 7 = 0 then timestamptz '2026-07-01 10:11:12.5+00' end,
  l.email, l.first_name, l.last_name, l.icon, l.phone_prefix, l.phone_number, l.language_code
from list_person as l
join accounts.person as p on p.email_key = internal.email_key(l.email)
order by p.key;

insert into accounts.invitation (account_user_key, status, code_sha256, sent_at, expires_at, closed_at, invited_by)
select u.key, s.status, sha256(u.key::text::bytea), now() - interval '9 days',
  case when u.key % 3 = 0 then now() - interval '1 day' else now() + interval '1 day' end,
  case when s.status <> 'Open' then now() end, '{"name": "lister"}'
from accounts.account_user as u
cross join lateral (
  select (case when u.status = 'Active' then 'Accepted' when u.key % 5 = 0 then 'Revoked' else 'Open' end)
    ::accounts.invitation_status as status) as s
where u.created_by ->> 'name' = 'lister';

insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
select u.key, g.key, u.account_key
from accounts.account_user as u
join accounts.user_group as g on g.account_key = u.account_key
where u.created_by ->> 'name' = 'lister' and (u.key + g.key) % 3 <> 0;
