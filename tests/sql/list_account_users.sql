-- Lists as a caller sees them: operators, values, order, pages, totals, shapes, selection, visibility, and mistakes.
begin;
\ir lib/fixture.sql
\ir lib/list_rows.sql
select plan(213);

create function pg_temp.names(query text)
returns text[]
language sql
as $$
  select array(
    select d.item #>> '{user,name}'
    from json_array_elements(api.list_account_users(query) -> 'data') with ordinality as d (item, position)
    order by d.position)
$$;

create function pg_temp.total(query text)
returns bigint
language sql
as $$ select (api.list_account_users(query) #>> '{$meta,pagination,total}')::bigint $$;

create function pg_temp.list_problem(query text, token text default null)
returns jsonb
language sql
as $$ select pg_temp.problem(format('select api.list_account_users(%L, %L)', query, token)) $$;

-- The number of memberships whose rows satisfy a condition.
create function pg_temp.rows_where(condition text)
returns bigint
language plpgsql
as $$
declare
  v_count bigint;
begin
  execute 'select count(*) from accounts.account_user as u join accounts.person as p on p.key = u.person_key '
    'join accounts.account as a on a.key = u.account_key '
    'left join accounts.invitation as i on i.account_user_key = u.key and i.status = ''Open'' '
    'where u.status <> ''Removed'' and (' || condition || ')' into v_count;
  return v_count;
end
$$;

select pg_temp.rows_where('true') as everybody \gset
select internal.person_id(min(person_key)) as person, internal.account_user_id(min(key)) as member
from accounts.account_user where status <> 'Removed' \gset

-- Each operator, compared with the same condition in SQL.
select is(pg_temp.total(w.query), pg_temp.rows_where(w.condition), w.query)
from (values
  (1, '', 'true'),
  (2, 'eq(user.name,Ann Lee)', 'u.first_name = ''Ann'' and u.last_name = ''Lee'''),
  (3, 'user.name=Ann Lee', 'u.first_name = ''Ann'' and u.last_name = ''Lee'''),
  (4, 'user.name=eq=Ann%20Lee', 'u.first_name = ''Ann'' and u.last_name = ''Lee'''),
  (5, 'ne(user.name,Ann Lee)', 'u.first_name <> ''Ann'' or u.last_name <> ''Lee'''),
  (6, 'gt(user.name,bob)', '(upper(u.first_name) || '' '' || upper(u.last_name)) collate "C" > ''BOB'''),
  (7, 'le(user.name,bob)', '(upper(u.first_name) || '' '' || upper(u.last_name)) collate "C" <= ''BOB'''),
  (8, 'like(user.name,Ann*)', 'u.first_name like ''Ann%'''),
  (9, 'like(user.name,*ee)', 'u.last_name like ''%ee'''),
  (10, 'ilike(user.name,*ANN*)', 'u.first_name ilike ''%ann%'''),
  (11, 'ilike(user.name,zoë*)', 'u.first_name ilike ''zoë%'''),
  (12, 'like(user.name,100%25*)', 'u.first_name = ''100%'''),
  (13, 'like(user.name,%5f*)', 'false'),
  (14, 'like(user.name,under%5fscore*)', 'u.first_name = ''under_score'''),
  (15, 'like(user.name,*\**)', 'u.first_name = ''star*name'''),
  (16, 'like(user.name,*\\*)', 'u.first_name = ''back\slash'''),
  (17, 'in(user.icon,(i0.png,"i1.png",''i2.png''))', 'u.icon in (''i0.png'', ''i1.png'', ''i2.png'')'),
  (18, 'user.icon=in=(i0.png)', 'u.icon = ''i0.png'''),
  (19, 'out(user.icon,(i0.png,i1.png))', 'u.icon is null or u.icon not in (''i0.png'', ''i1.png'')'),
  (20, 'ne(user.icon,i0.png)', 'u.icon is null or u.icon <> ''i0.png'''),
  (21, 'not(eq(user.icon,i0.png))', 'u.icon is null or u.icon <> ''i0.png'''),
  (22, 'not(like(user.icon,i*))', 'u.icon is null or u.icon not like ''i%'''),
  (23, 'eq(user.icon,null())', 'u.icon is null'),
  (24, 'user.icon=null()', 'u.icon is null'),
  (25, 'ne(user.icon,null())', 'u.icon is not null'),
  (26, 'eq(user.icon,empty())', 'u.icon = '''''),
  (27, 'eq(user.icon,"")', 'u.icon = '''''),
  (28, 'in(user.icon,(null(),empty()))', 'u.icon is null or u.icon = '''''),
  (29, 'out(user.icon,(null(),empty()))', 'u.icon <> '''''),
  (30, 'eq(user.icon,null)', 'u.icon = ''null'''),
  (31, 'eq(user.name,"null() Coe")', 'u.first_name = ''null()'''),
  (32, 'eq(user.name,"a,b May")', 'u.first_name = ''a,b'''),
  (33, 'eq(user.name,a\,b May)', 'u.first_name = ''a,b'''),
  (34, 'eq(user.name,''x(y) Moy'')', 'u.first_name = ''x(y)'''),
  (35, 'eq(user.name,O''Brien Ray)', 'u.first_name = ''O''''Brien'''),
  (36, 'eq(user.name,''O\''Brien Ray'')', 'u.first_name = ''O''''Brien'''),
  (37, 'eq(user.name,"quote\"d Baz")', 'u.first_name = ''quote"d'''),
  (38, 'eq(user.name,"a&b Bar")', 'u.first_name = ''a&b'''),
  (39, 'eq(user.name,a%26b Bar)', 'u.first_name = ''a&b'''),
  (40, 'user.name="eq=uals Lim"', 'u.first_name = ''eq=uals'''),
  (41, 'eq(user.name,plus+one Kim)', 'u.first_name = ''plus+one'''),
  (42, 'eq(user.name,plus%2Bone Kim)', 'u.first_name = ''plus+one'''),
  (43, 'eq%28user.name%2C%27Zo%C3%AB%20Rey%27%29', 'u.first_name = ''Zoë'''),
  (44, 'eq(user.email,LEE.20@LIST.example)', 'u.email = ''Lee.20@List.Example'''),
  (45, 'like(user.email,lee.*)', 'u.email ilike ''lee.%'''),
  (46, 'and(ilike(user.name,a*),eq(invitation.status,Active))', 'u.first_name ilike ''a%'' and u.status = ''Active'''),
  (47, 'ilike(user.name,a*)&eq(invitation.status,Active)', 'u.first_name ilike ''a%'' and u.status = ''Active'''),
  (48, 'or(eq(account.type,Vendor),not(or(ilike(user.name,a*),gt(user.name,m))))',
    'a.type = ''Vendor'' or not (u.first_name ilike ''a%'' or upper(u.first_name) collate "C" >= ''M'')'),
  (49, 'invitation.status=Invited', 'u.status = ''Invited'' and i.expires_at > now()'),
  (50, 'invitation.status=InvitationExpired', 'u.status = ''Invited'' and (i.expires_at > now()) is not true'),
  (51, 'ne(invitation.status,Active)', 'u.status = ''Invited'''),
  (52, 'like(invitation.status,Inv*)', 'u.status = ''Invited'''),
  (53, 'in(invitation.status,(Active,Invited))', 'u.status = ''Active'' or i.expires_at > now()'),
  (54, 'audit.created.at=2026-03-02T13:00:00.123Z', 'u.created_at = ''2026-03-02 13:00:00.123456+00'''),
  (55, 'audit.created.at=2026-03-02T14:00:00.123%2B01:00', 'u.created_at = ''2026-03-02 13:00:00.123456+00'''),
  (56, 'audit.created.at=2026-03-02T13:00:00.123456Z', 'false'),
  (57, 'gt(audit.created.at,2026-03-02T13:00:00.123Z)', 'u.created_at > ''2026-03-02 13:00:00.123999+00'''),
  (58, 'ge(audit.created.at,2026-03-02T13:00:00.123Z)', 'u.created_at > ''2026-03-02 13:00:00.122999+00'''),
  (59, 'lt(audit.created.at,2026-03-02T13:00:00.123Z)', 'u.created_at < ''2026-03-02 13:00:00.123+00'''),
  (60, 'le(audit.created.at,2026-03-02T13:00:00.123z)', 'u.created_at < ''2026-03-02 13:00:00.124+00'''),
  (61, 'ge(audit.created.at,2026-03-05)', 'u.created_at >= ''2026-03-05 00:00:00+00'''),
  (62, 'ge(audit.created.at,2024-02-29T23:59:60-23:59)', 'true'),
  (63, 'lastLoginAt=null()', 'u.last_login_at is null'),
  (64, 'audit.created.by.name=lister', 'true'),
  (65, 'account.name=Fixture Client', 'a.name = ''Fixture Client'''),
  (66, 'eq(groups,empty())',
    'not exists (select from accounts.account_user_group as l where l.account_user_key = u.key)'),
  (67, 'ne(groups,empty())', 'exists (select from accounts.account_user_group as l where l.account_user_key = u.key)'),
  (68, 'any(groups,eq(name,Northern))', 'exists (select from accounts.account_user_group as l join accounts.user_group '
    'as g on g.key = l.user_group_key where l.account_user_key = u.key and g.name = ''Northern'')'),
  (69, 'any(groups,and(name=Northern,isDefault=true))', 'false'),
  (70, 'all(groups,name=Northern)', 'not exists (select from accounts.account_user_group as l join accounts.user_group '
    'as g on g.key = l.user_group_key where l.account_user_key = u.key and g.name <> ''Northern'')'),
  (71, 'ne(groups.name,Northern)', 'not exists (select from accounts.account_user_group as l join accounts.user_group '
    'as g on g.key = l.user_group_key where l.account_user_key = u.key and g.name = ''Northern'')'),
  (72, 'any(buyers,name=Partner)', 'a.type = ''Vendor'' and exists (select from accounts.account_user_group as l '
    'where l.account_user_key = u.key)'),
  (73, 'any(modules,and(name=Fixture Catalog,settings.paid=false))', 'exists (select from accounts.account_user_group '
    'as l join accounts.user_group as g on g.key = l.user_group_key where l.account_user_key = u.key '
    'and g.is_default)'),
  (74, E' eq( user.name , Ann Lee ) \n&\n invitation.status = Active ',
    'u.first_name = ''Ann'' and u.last_name = ''Lee'' and u.status = ''Active'''),
  (75, '&&limit=5&', 'true')
) as w (place, query, condition)
order by w.place;

select is(pg_temp.total('id=' || :'member'), 1::bigint, 'one by its id');
select is(pg_temp.total('in(user.id,(' || :'person' || ',USR-0000-0000))'), 1::bigint, 'one by the id of the person');
select is(pg_temp.total('gt(id,' || :'member' || ')'), :everybody::bigint - 1, 'ids are ordered by age');
select is(pg_temp.total('like(id,' || left(:'member', 9) || '*)&limit=0'), 1::bigint, 'and are text to like');
select is(pg_temp.total('eq(groups.id,' || :'vendor_sales' || ')'),
  pg_temp.total('any(groups,id=' || :'vendor_sales' || ')'),
  'a field of a collection is any of its');
select is(pg_temp.total('ne(account.id,' || :'client' || ')'), pg_temp.rows_where('a.type = ''Vendor'''),
  'ne of an id');
select is(pg_temp.total('limit=0&id=' || internal.account_user_id((
  select min(key) from accounts.account_user where status = 'Removed'))), 0::bigint, 'what was removed is not listed');

-- Order and pages.
select is(
  pg_temp.names('ilike(user.name,a*)&account.type=Client&order=user.name,-id&limit=3'),
  array(select u.first_name || ' ' || u.last_name from accounts.account_user as u
    join accounts.account as a on a.key = u.account_key
    where u.status <> 'Removed' and u.first_name ilike 'a%' and a.type = 'Client'
    order by upper(u.first_name || ' ' || u.last_name) collate "C", u.key desc limit 3),
  'several fields, each in its direction');
create temp table page as
select o.query, n.place, d.item ->> 'id' as id, d.position
from unnest(array['order=%2Baudit.created.at', 'order=-audit.created.at', 'order=-invitation.status',
  'order=user.icon', 'order=account.status', '']) as o (query)
cross join generate_series(0, 9) as n (place)
cross join lateral json_array_elements(api.list_account_users(
  format('%s&limit=7&offset=%s', o.query, n.place * 7)) -> 'data') with ordinality as d (item, position);
select is((select count(distinct p.id) from page as p where p.query = o.query), :everybody::bigint,
  'pages never overlap and leave nobody out: ' || o.query)
from (select distinct query from page) as o;
select is(
  array(select id from page where query = 'order=%2Baudit.created.at' order by place, position),
  array(select internal.account_user_id(key) from accounts.account_user where status <> 'Removed'
    order by created_at, key), 'ties are broken by id');
select is(
  array(select id from page where query = 'order=-audit.created.at' order by place, position),
  array(select internal.account_user_id(key) from accounts.account_user where status <> 'Removed'
    order by created_at desc, key desc), 'in the direction of the last field');
select is(array(select id from page where query = '' order by place, position),
  array(select id from page where query = 'order=%2Baudit.created.at' order by place, position),
  'without an order it is that of creation');
select is(
  api.list_account_users('limit=0')::jsonb,
  jsonb_build_object('$meta', jsonb_build_object(
    'pagination', jsonb_build_object('offset', 0, 'limit', 0, 'total', :everybody),
    'omitted', '["audit", "buyers", "modules", "invitation.url"]'::jsonb), 'data', '[]'::jsonb),
  'limit=0 only counts');
select is(api.list_account_users()::jsonb #> '{$meta,pagination}',
  jsonb_build_object('offset', 0, 'limit', 100, 'total', :everybody), 'the default limit is 100');
select is(pg_temp.total(q), :everybody::bigint, 'the total is that of all pages: ' || q)
from unnest(array['limit=1', 'offset=3', 'limit=2&offset=1000', 'offset=52&limit=1000', 'limit=1000']) as q;

-- Shapes and selection.
create function pg_temp.first(query text)
returns jsonb
language sql
as $$ select api.list_account_users(query || '&limit=1')::jsonb -> 'data' -> 0 $$;
create function pg_temp.same_as_get(query text)
returns boolean
language sql
as $$
  select bool_and(d.item::text = (select g.object::text from internal.select_object(
    'account_user', internal.account_user_key(d.item ->> 'id'), null, '') as g))
  from json_array_elements(api.list_account_users(query) -> 'data') as d (item)
$$;
create function pg_temp.same_users_as_get(account_id text, query text)
returns boolean
language sql
as $$
  select bool_and(d.item::text = api.get_user(account_id, d.item ->> 'id')::text)
  from json_array_elements(api.list_users(account_id, query) -> 'data') as d (item)
$$;
select is(
  array(select json_object_keys(api.list_account_users() -> 'data' -> 0)),
  array['id', '$meta', 'user', 'groups', 'account', 'invitation', 'lastLoginAt'], 'a list omits the heavy members');
select is(
  array(select json_object_keys(api.list_users(:'client') -> 'data' -> 0)),
  array['id', 'email', 'status', 'firstName', 'lastName', 'name', 'phone', 'settings', 'icon', 'account', 'groups',
    'invitation', 'lastLoginAt', '$meta'], 'the person-shaped object has the person''s own fields');
select ok(pg_temp.same_as_get('select=+audit,+buyers,+modules'), 'with them it is the object that get gives');
select ok(pg_temp.same_users_as_get(:'client', 'select=+audit,+buyers,+modules'), 'likewise in the shape of a user');
select is(pg_temp.first(w.query) #> '{$meta,omitted}', w.omitted::jsonb, 'omitted is exact: ' || w.query)
from (values
  ('select=%2Baudit', '["buyers", "modules", "invitation.url"]'),
  ('select=+audit.created', '["audit.updated", "audit.invitationAcceptedAt", "audit.access", "audit.joined", "buyers",
    "modules", "invitation.url"]'),
  ('select=buyers.name', '["audit", "buyers.id", "buyers.icon", "modules", "invitation.url"]'),
  ('select=-user.icon,-groups.logo,-lastLoginAt',
    '["audit", "user.icon", "groups.logo", "buyers", "modules", "invitation.url", "lastLoginAt"]'),
  ('select=-invitation', '["audit", "buyers", "modules", "invitation"]'),
  ('select=-invitation.status', '["audit", "buyers", "modules", "invitation"]'),
  ('select=+invitation.url', '["audit", "buyers", "modules", "invitation.url"]'),
  ('select=-audit,+audit.created.at,-user,+user.id', '["audit.created.by", "audit.updated",
    "audit.invitationAcceptedAt", "audit.access", "audit.joined", "user.icon", "user.name", "buyers", "modules",
    "invitation.url"]'),
  ('select=-id', '["id", "audit", "buyers", "modules", "invitation.url"]')
) as w (query, omitted);
select is(pg_temp.first('select=-user.icon,-user.name') -> 'user', jsonb_build_object('id',
  pg_temp.first('') #> '{user,id}'), 'what is left out is not there');
select is(
  (select array_agg(distinct k order by k) from jsonb_array_elements(pg_temp.first(
    'select=+modules.settings.eligibility.multi,-modules.name&any(modules,name=Fixture Catalog)') -> 'modules') as m,
    jsonb_object_keys(m) as k), array['settings'], 'of the items of a collection too');
select is(
  (select o.object::jsonb -> '$meta' from internal.select_object('user', internal.account_user_key(:'member'), 'code',
    'select=-phone') as o), '{"omitted": ["phone"]}', 'an object with a code omits no url');
select is(
  (select o.errors from internal.select_object('user', internal.account_user_key(:'member'), null,
    'select=+nobody&limit=3&eq(id,x)') as o),
  '{"select": ["position 8: nobody is not a field to select"], "limit": ["position 22: is not a parameter here"],
    "eq": ["position 24: is not a parameter here"]}', 'one object takes select and nothing else');
select is(
  (select sum(jsonb_array_length(e.value)) from jsonb_each(internal.selection_errors('user',
    'select=' || repeat('a,', 90) || repeat('&b', 45))) as e),
  20::bigint, 'and at most twenty mistakes are reported');

-- Visibility.
set local role accountsd_server;
select is((api.list_account_users('limit=0', :'client_token') #>> '{$meta,pagination,total}')::bigint,
  (api.list_account_users('limit=0&account.id=' || :'client', :'operations_token')
    #>> '{$meta,pagination,total}')::bigint,
  'a client sees its own, of which operations sees as many');
select is((api.list_account_users('limit=0&account.id=' || :'client', :'vendor_token')
  #>> '{$meta,pagination,total}'), '0',
  'no filter shows a vendor another account');
select is((api.list_account_users('or(id=' || :'member' || ',ne(id,' || :'member' || '))', :'vendor_token')
  #>> '{$meta,pagination,total}')::bigint,
  (api.list_users(:'vendor', '', :'vendor_token') #>> '{$meta,pagination,total}')::bigint, 'nor does any logic');
select is(pg_temp.problem(format('select api.list_users(%L, %L, %L)', w.account, w.query, :'client_token')),
  '{"sqlstate": "PT404", "message": "There is nothing at this path.", "errors": null}', w.name)
from (values
  (:'vendor', '', 'another account does not exist for the caller'),
  (:'vendor', 'limit=x', 'whatever is asked of it'),
  ('ACC-0000-0000', '', 'the same as for one that does not exist'),
  ('nonsense', '', 'and as for nonsense')) as w (account, query, name);
select is(pg_temp.list_problem('', 'TKN-0000-0000:x') ->> 'sqlstate', 'PT401', 'an unknown token is refused');
select is(pg_temp.list_problem('') ->> 'sqlstate', 'PT401', 'and none');
reset role;

-- Mistakes.
select is(pg_temp.list_problem(w.query), pg_temp.invalid(w.errors::jsonb), 'a mistake: ' || left(w.query, 60))
from (values
  ('foo=1', '{"$filter": ["position 1: foo is not a field"]}'),
  ('rql=eq(id,1)', '{"$filter": ["position 1: rql is not a field"]}'),
  ('key=1', '{"$filter": ["position 1: key is not a field"]}'),
  ('x(user.name,a)', '{"$filter": ["position 1: x is not an operator"]}'),
  ('user.name=x=a', '{"$filter": ["position 11: x is not an operator"]}'),
  ('eq(user.name,a)&or(x(id,1),foo=2)',
    '{"$filter": ["position 20: x is not an operator", "position 28: foo is not a field"]}'),
  ('eq(id,AUSR-1)', '{"$filter": ["position 7: id: AUSR-1 is not the id of an account user"]}'),
  ('groups.id=ACC-0000-0000', '{"$filter": ["position 11: groups.id: ACC-0000-0000 is not the id of a user group"]}'),
  ('lastLoginAt=2026-02-29',
    '{"$filter": ["position 13: lastLoginAt: 2026-02-29 is not a date or RFC 3339 timestamp"]}'),
  ('gt(lastLoginAt,yesterday)',
    '{"$filter": ["position 16: lastLoginAt: yesterday is not a date or RFC 3339 timestamp"]}'),
  ('like(lastLoginAt,2*)',
    '{"$filter": ["position 18: lastLoginAt: like is for text, and this is a timestamp"]}'),
  ('invitation.status=Gone',
    '{"$filter": ["position 19: invitation.status: Gone is not one of Active, Invited, InvitationExpired"]}'),
  ('any(groups,isDefault=1)', '{"$filter": ["position 22: isDefault: 1 is not true or false"]}'),
  ('any(groups,foo=1)', '{"$filter": ["position 12: foo is not a field of groups"]}'),
  ('any(user,id=1)', '{"$filter": ["position 5: user is not a collection"]}'),
  ('groups=x', '{"$filter": ["position 1: groups is a collection: ask any(), all() or for empty()"]}'),
  ('eq(invitation.url,x)', '{"$filter": ["position 4: invitation.url cannot be compared"]}'),
  ('gt(user.name,null())', '{"$filter": ["position 14: user.name: gt cannot compare with null()"]}'),
  ('lastLoginAt=empty()', '{"$filter": ["position 13: lastLoginAt: empty() is for text and collections"]}'),
  ('in(user.name,a)', '{"$filter": ["position 14: in takes a list of values in parentheses"]}'),
  ('eq(user.name)', '{"$filter": ["position 1: eq takes a field and a value"]}'),
  ('not()', '{"$filter": ["position 1: not takes one expression"]}'),
  ('nonsense', '{"$filter": ["position 1: an expression such as eq(field,value) is expected"]}'),
  ('eq(user.name,"a)', '{"$filter": ["position 14: the quote is not closed"]}'),
  ('eq(user.name,a', '{"$filter": ["position 15: the query ends where a comma or a closing parenthesis is expected"]}'),
  ('user.name=x(a', '{"$filter": ["position 14: the query ends where a comma or a closing parenthesis is expected"]}'),
  ('eq(user.name,a))', '{"$filter": ["position 16: ) is not an ampersand or the end of the query"]}'),
  ('eq(user.name,)', '{"$filter": ["position 14: ) is not a value"]}'),
  ('user.name=a\', '{"$filter": ["position 12: a backslash has nothing to escape"]}'),
  ('user.name=%zz', '{"$filter": ["position 1: %zz is not a percent-encoded character"]}'),
  ('user.name=%', '{"$filter": ["position 1: % is not a percent-encoded character"]}'),
  ('user.name=%00', '{"$filter": ["position 1: %00 is not a percent-encoded character"]}'),
  ('user.name=%ff', '{"$filter": ["position 1: percent-encoded bytes are not UTF-8"]}'),
  ('limit=1001', '{"limit": ["position 7: 1001 is not a number from 0 to 1000"]}'),
  ('limit=', '{"limit": ["position 7:  is not a number from 0 to 1000"]}'),
  ('offset=-1', '{"offset": ["position 8: -1 is not a number from 0 to 999999999"]}'),
  ('limit=1&limit=2', '{"limit": ["position 15: is given more than once"]}'),
  ('order=id&order=id', '{"order": ["position 16: is given more than once"]}'),
  ('order=+foo,-groups.id',
    '{"order": ["position 7: foo is not a field", "position 12: groups.id cannot be sorted by"]}'),
  ('order=', '{"order": ["position 7: a field is expected"]}'),
  ('select=+foo,-$meta', '{"select": ["position 8: foo is not a field to select",
    "position 13: $meta is not a field to select"]}'),
  (repeat('not(', 17) || 'id=1' || repeat(')', 17), '{"$filter": ["position 65: is nested deeper than 16 levels"]}'),
  (repeat('(', 3000), '{"$filter": ["position 17: is nested deeper than 16 levels"]}'),
  (repeat('x', 8001), '{"$filter": ["position 8001: the query is longer than 8000 characters"]}'),
  (repeat('user.icon=a&', 51), '{"$filter": ["position 601: has more than 50 expressions"]}'),
  ('not(eq(id,x))&and(in(id,(a' || repeat(',a', 119) || ')),or(in(user.icon,(b' || repeat(',b', 80)
    || '))))', '{"$filter": ["position 445: has more than 200 values in lists"]}'),
  ('foo=1&eq(user.name,a&' || repeat('user.icon=a&', 50), '{"$filter": [
    "position 598: has more than 50 expressions"]}'),
  (repeat('a&', 4000), '{"$filter": ["position 101: has more than 50 expressions"]}'),
  ('in(id,(' || repeat('a,', 3990) || 'a))', '{"$filter": ["position 408: has more than 200 values in lists"]}'),
  ('order=' || repeat('user.icon,', 10) || 'foo',
    '{"order": ["position 107: has more than 10 fields"]}'),
  ('order=' || repeat('id,', 2000), '{"order": ["position 37: has more than 10 fields"]}'),
  ('select=' || repeat('user.id,', 100) || 'id', '{"select": ["position 808: has more than 100 fields"]}'),
  ('select=' || repeat('a,', 3990), '{"select": ["position 208: has more than 100 fields"]}'),
  ('limit=1&' || repeat('limit=2&', 900), '{"limit": ["position 15: is given more than once"]}'),
  (repeat('& ', 4000), '{"$filter": ["position 102: has more than 50 expressions"]}'),
  ('and(' || repeat('a,', 3990), '{"$filter": ["position 206: has more than 100 arguments"]}'),
  ('x()' || repeat('&x()', 20) || '&and(' || repeat('id=1,', 200),
    '{"$filter": ["position 229: has more than 50 expressions"]}'),
  ('user.name="' || repeat('x&', 200) || '"="',
    '{"$filter": ["position 413: = is not an ampersand or the end of the query"]}'),
  ('user.name=' || repeat('\\', 200) || ')',
    '{"$filter": ["position 411: ) is not an ampersand or the end of the query"]}')
) as w (query, errors);
select is(jsonb_array_length(pg_temp.list_problem('in(id,(a' || repeat(',a', 199) || '))') #> '{errors,$filter}'), 20,
  'of hundreds of mistakes the first twenty are reported');
select is(pg_temp.total(repeat('not(', 14) || 'user.name=x' || repeat(')', 14)), 0::bigint,
  'fourteen levels are not too deep');
select is(pg_temp.total('out(user.icon,(a' || repeat(',a', 199) || '))'), :everybody::bigint,
  'two hundred values are not too many');
select is(pg_temp.total('out(lastLoginAt,(2020-01-01' || repeat(',2020-01-01', 199) || '))'), :everybody::bigint,
  'nor are two hundred dates');
select is(pg_temp.total(repeat('user.icon=a&', 50)), 0::bigint, 'nor fifty expressions');
select is(pg_temp.total('limit=0&order=-audit.created.at' || repeat(',user.icon', 9)), :everybody::bigint,
  'nor ten fields to order by');

-- Injection attempts are data.
select pg_temp.contents() as before \gset
select is(pg_temp.total('eq(user.name,' || w.value || ')&limit=0'), 0::bigint, 'data: ' || w.value)
from (values
  ('x'' or true --'), ('"x'' or ''1''=''1"'), ('"''; drop table accounts.person; --"'),
  ('$1'), ('"(($1)[2])"'), ('"{a,b}"'),
  ('"%25s"'), ('"\\''"'), ('"%27%20or%201%3D1"'), ('"$$; select 1"')) as w (value);
select is(pg_temp.changes(:'before'), '{}', 'and nothing changed');
select is(pg_temp.list_problem(w.query) ->> 'sqlstate', 'PT400', 'no field: ' || w.query)
from (values ('eq("user.name",x)'), ('eq(u.key,1)'), ('eq(p.email_key,x)'), ('order=u.key'), ('order=id;drop table x'),
  ('eq(id) or true,1)'), ('limit=1;'), ('offset=1 union select 1'), ('select=*'), ('any(pg_class,a=1)')) as w (query);

-- Random queries are refused or answered, and never cause an internal error.
select setseed(0.25) \gset ignored_
create temp table noise as
select n.number, string_agg((array['eq', 'in', 'not', 'and', 'any', '(', ')', ',', '=', '&', '"', '''', '\', '*', '%',
  '%4', '%2C', '%C3', 'user.name', 'groups', 'id', 'null()', 'empty()', ' ', 'ë', 'order', 'select', 'limit',
  '+', '-', '1'])
  [1 + floor(random() * 31)::int], '') as query
from generate_series(1, 3000) as n (number), generate_series(1, 3 + n.number % 12)
group by n.number;
select is_empty($$
  select n.query, p.problem from noise as n, pg_temp.list_problem(n.query) as p (problem)
  where p.problem ->> 'sqlstate' <> 'PT400' $$, 'noise is PT400 or fine');

select * from finish();
rollback;
