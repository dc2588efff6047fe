-- Included after lib/fixture.sql by tests of operations on one membership. Each operation has two api functions, one
-- for each kind of path: 'account_user' (the id of the account user) and 'user' (the ids of the account and the
-- person). A test has a table of memberships of both kinds, so that each line tests both.

-- The call of an operation's api function for a kind. name: the function, with %s for the kind. target: the ids of
-- the path. parameters: by name, null for one that is left out.
create function pg_temp.call(name text, kind text, target text[], parameters jsonb default '{}')
returns text
language sql
as $$
  select format('select api.%s(%s)', format(name, kind), (
    select string_agg(a.argument, ', ' order by a.position)
    from (
      select t.position, format('%L', t.id) as argument from unnest(target) with ordinality as t (id, position)
      union all
      select 1000 + p.position,
        format('%I => %L', p.key, case p.key when 'request' then p.value::text else p.value #>> '{}' end)
      from jsonb_each(parameters) with ordinality as p (key, value, position)
      where p.key = 'request' or p.value <> 'null'
    ) as a))
$$;

-- The path ids of a membership, from the response that created it.
create function pg_temp.target(kind text, invited jsonb)
returns text[]
language sql
as $$
  select case kind
    when 'account_user' then array[invited ->> 'id']
    else array[invited #>> '{account,id}', invited #>> '{user,id}']
  end
$$;

-- The id in a response about the membership.
create function pg_temp.shown_id(kind text, invited jsonb)
returns text
language sql
as $$
  select case kind when 'account_user' then invited ->> 'id' else invited #>> '{user,id}' end
$$;

-- Calls as a database role; returns the response, or the error.
create function pg_temp.answer(role text, call text)
returns jsonb
language plpgsql
as $$
declare
  v_answer jsonb;
begin
  perform set_config('role', role, true);
  execute call into v_answer;
  perform set_config('role', 'none', true);
  return v_answer;
end
$$;

create function pg_temp.problem_of(role text, call text)
returns jsonb
language sql
as $$
  select pg_temp.problem(format('select pg_temp.answer(%L, %L)', role, call))
$$;

-- The HINT of the error that a call raises: the type of the problem.
create function pg_temp.problem_type(role text, call text)
returns text
language plpgsql
as $$
declare
  v_hint text;
begin
  perform pg_temp.answer(role, call);
  return null;
exception
  when others then
    get stacked diagnostics v_hint = pg_exception_hint;
    return nullif(v_hint, '');
end
$$;

-- A problem without errors of fields.
create function pg_temp.refusal(status int, message text)
returns jsonb
language sql
as $$
  select jsonb_build_object('sqlstate', 'PT' || status, 'message', message, 'errors', null)
$$;

create function pg_temp.row_of(invited jsonb)
returns accounts.account_user
language sql
as $$
  select u from accounts.account_user as u where u.key = internal.account_user_key(invited ->> 'id')
$$;

-- The invitations of a membership, oldest first.
create function pg_temp.invitations(invited jsonb)
returns jsonb
language sql
as $$
  select jsonb_agg(to_jsonb(i) - '{key,account_user_key,mail_code_sha256s}'::text[] order by i.key)
  from accounts.invitation as i
  where i.account_user_key = internal.account_user_key(invited ->> 'id')
$$;

create function pg_temp.invitation_statuses(invited jsonb)
returns text[]
language sql
as $$
  select array(select i ->> 'status' from jsonb_array_elements(pg_temp.invitations(invited)) as i)
$$;

create function pg_temp.mails(invited jsonb)
returns bigint
language sql
as $$
  select count(*)
  from accounts.outbox as o
  join accounts.invitation as i on i.key = o.invitation_key
  where i.account_user_key = internal.account_user_key(invited ->> 'id') and o.topic = 'invitation.mail'
$$;

-- The newest audit record of a membership.
create function pg_temp.last_record(invited jsonb)
returns jsonb
language sql
as $$
  select to_jsonb(r) - 'key'
  from accounts.audit_record as r
  where r.object_id = invited ->> 'id'
  order by r.key desc
  limit 1
$$;

create function pg_temp.record(
  action text, actor jsonb, database_role text, trace_id text, invited jsonb)
returns jsonb
language sql
as $$
  select jsonb_build_object('at', now(), 'action', action, 'actor', actor, 'database_role', database_role,
    'trace_id', trace_id, 'object_id', invited ->> 'id',
    'account_key', internal.account_key(invited #>> '{account,id}'))
$$;

-- A token as an actor.
create function pg_temp.token_actor(token text)
returns jsonb
language sql
as $$
  select jsonb_build_object('id', internal.api_token_id(t.key), 'name', t.name, 'icon', t.icon)
  from accounts.api_token as t
  where t.key = internal.api_token_key(split_part(token, ':', 1))
$$;

create function pg_temp.stamp(actor jsonb)
returns jsonb
language sql
as $$
  select jsonb_build_object('at', internal.timestamp_text(now()), 'by', actor)
$$;

-- The changed tables with a sign: "+ audit_record".
create function pg_temp.changed_tables(before text[])
returns text[]
language sql
as $$
  select array(
    select replace(substring(c.line from '^[-+] [a-z_.]+'), 'accounts.', '')
    from unnest(pg_temp.changes(before)) as c (line)
    order by c.line collate "C")
$$;

create function pg_temp.group_ids(answer jsonb)
returns text[]
language sql
as $$
  select array(select g ->> 'id' from jsonb_array_elements(answer -> 'groups') as g order by 1)
$$;

create function pg_temp.linked_groups(invited jsonb)
returns text[]
language sql
as $$
  select array(
    select internal.user_group_id(l.user_group_key)
    from accounts.account_user_group as l
    where l.account_user_key = internal.account_user_key(invited ->> 'id')
    order by 1)
$$;

create function pg_temp.sorted(variadic ids text[])
returns text[]
language sql
as $$
  select array(select i from unnest(ids) as i order by 1)
$$;

-- Lets time pass: moves the times of a membership and its open invitation into the past.
create function pg_temp.let_pass(elapsed interval, invited jsonb)
returns void
language sql
as $$
  update accounts.account_user as u
  set created_at = u.created_at - elapsed, updated_at = u.updated_at - elapsed,
      invitation_accepted_at = u.invitation_accepted_at - elapsed, joined_at = u.joined_at - elapsed
  where u.key = internal.account_user_key(invited ->> 'id');

  update accounts.invitation as i
  set sent_at = i.sent_at - elapsed, expires_at = i.expires_at - elapsed, closed_at = i.closed_at - elapsed
  where i.account_user_key = internal.account_user_key(invited ->> 'id');
$$;

create function pg_temp.invite(token text, email text, groups jsonb default null)
returns jsonb
language sql
as $$
  select pg_temp.answer('accountsd_server', format('select api.create_account_user(%L, %L)',
    pg_temp.invitation(email, groups => groups), token))
$$;

create function pg_temp.accept(invited jsonb, code text default null)
returns jsonb
language sql
as $$
  select pg_temp.answer('accountsd_server', pg_temp.call('accept_%s_invite', 'account_user', array[invited ->> 'id'],
    jsonb_build_object('request', jsonb_build_object('code', coalesce(code, pg_temp.code(invited))))))
$$;

-- The memberships, including a removed one and those of other accounts.
set local role accountsd_dba;
select api.create_account_user(pg_temp.invitation('inside@example.com', :'client')) as inside,
  api.create_account_user(pg_temp.invitation('removed@example.com', :'client')) as removed,
  api.create_account_user(pg_temp.invitation('partner@example.com', :'vendor', pg_temp.ids(:'vendor_sales'))) as partner
\gset
select api.remove_account_user(:'removed'::json ->> 'id') as nothing \gset ignored_
select api.create_account('{"type": "Client", "name": "Closing"}') ->> 'id' as closed \gset
select api.create_user_group(pg_temp.of_account(:'closed', '{"name": "Everyone", "isDefault": true}'))
  \gset ignored_
select api.create_account_user(pg_temp.invitation('late@example.com', :'closed')) as late,
  pg_temp.credential(api.create_api_token(pg_temp.of_account(:'closed', '{"name": "Closing"}')) ->> 'token')
    as closed_token,
  pg_temp.credential(api.create_api_token(pg_temp.of_account(:'client', '{"name": "Short"}')) ->> 'token')
    as disabled_token
\gset
select api.disable_api_token(split_part(:'disabled_token', ':', 1)) \gset ignored_
reset role;
update accounts.account set status = 'Disabled' where key = internal.account_key(:'closed');

select internal.account_id(99999998) as no_account, internal.person_id(99999998) as no_person,
  internal.account_user_id(999999999998) as no_account_user, internal.user_group_id(99999998) as no_group,
  pg_temp.refusal(401, 'A valid API token is required.') as is_unauthorized,
  pg_temp.refusal(403, 'The account of the API token is disabled.') as is_of_disabled,
  pg_temp.refusal(404, 'There is nothing at this path.') as is_missing,
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' as traceparent,
  '4bf92f3577b34da6a3ce929d0e0e4736' as trace_id
\gset

-- Paths that lead to no membership for any caller.
create temp table nowhere as
select n.kind, n.target, n.name
from (values
  ('account_user', array[:'no_account_user'], 'an id that is nobody''s'),
  ('account_user', array[:'removed'::json ->> 'id'], 'a removed membership'),
  ('account_user', array['AUSR-1'], 'an id that is too short'),
  ('account_user', array[lower(:'inside'::json ->> 'id')], 'an id in lower case'),
  ('account_user', array[(:'inside'::json ->> 'id') || e'\n'], 'an id with a line end'),
  ('account_user', array[''], 'an empty id'),
  ('account_user', array[null], 'no id'),
  ('account_user', array[:'inside'::json #>> '{user,id}'], 'the id of the person'),
  ('account_user', array[:'client'], 'the id of the account'),
  ('user', array[:'client', :'no_person'], 'an unknown person'),
  ('user', array[:'no_account', :'inside'::json #>> '{user,id}'], 'an account that is nobody''s'),
  ('user', array[:'no_account', :'no_person'], 'neither account nor person'),
  ('user', array[:'client', :'removed'::json #>> '{user,id}'], 'a removed membership'),
  ('user', array[:'client', :'partner'::json #>> '{user,id}'], 'a person of another account'),
  ('user', array['ACC-1', :'inside'::json #>> '{user,id}'], 'an account id that is too short'),
  ('user', array[:'client', 'USR-1'], 'a person id that is too short'),
  ('user', array[:'client', lower(:'inside'::json #>> '{user,id}')], 'a person id in lower case'),
  ('user', array[:'client', :'inside'::json ->> 'id'], 'the id of the membership for the person'),
  ('user', array[:'inside'::json #>> '{user,id}', :'client'], 'the ids crosswise'),
  ('user', array['', ''], 'empty ids'),
  ('user', array[null, null], 'no ids')
) as n (kind, target, name);

-- Callers that an operation on the membership "inside" (or another one) refuses, and paths that lead to no
-- membership.
create temp table turned_away as
select c.role, k.kind, pg_temp.target(k.kind, c.membership) as target, c.token, c.problem,
  k.kind || ': ' || c.name as name
from (values
  ('accountsd_server', :'inside'::jsonb, null, :'is_unauthorized'::jsonb, 'the server without a token is turned away'),
  ('accountsd_server', :'inside', '', :'is_unauthorized', 'so is an empty token'),
  ('accountsd_server', :'inside', split_part(:'client_token', ':', 1) || ':' || repeat('0', 64), :'is_unauthorized',
    'a wrong secret'),
  ('accountsd_server', :'inside', :'disabled_token', :'is_unauthorized', 'a disabled token'),
  ('accountsd_dba', :'inside', :'disabled_token', :'is_unauthorized', 'a DBA with a disabled token'),
  ('accountsd_server', '{}', null, :'is_unauthorized', 'the server without a token and ids'),
  ('accountsd_server', :'late', :'closed_token', :'is_of_disabled', 'the token of a disabled account'),
  ('accountsd_server', :'inside', :'closed_token', :'is_of_disabled', 'on another account too'),
  ('accountsd_server', :'inside', :'vendor_token', :'is_missing', 'a Vendor token on another account'),
  ('accountsd_server', :'partner', :'client_token', :'is_missing', 'a Client token on another account'),
  ('accountsd_server', :'late', :'client_token', :'is_missing', 'on a disabled account'),
  ('accountsd_dba', :'partner', :'client_token', :'is_missing', 'a DBA with a Client token on another account')
) as c (role, membership, token, problem, name)
cross join (values ('account_user'), ('user')) as k (kind)
union all
select c.role, n.kind, n.target, c.token, :'is_missing', format('%s: %s finds nothing by %s', n.kind, c.name, n.name)
from nowhere as n
cross join (values
  ('accountsd_server', :'client_token', 'a Client token'),
  ('accountsd_server', :'operations_token', 'an Operations token'),
  ('accountsd_dba', null, 'a DBA')
) as c (role, token, name);

-- Callers that an operation accepts, with their actors.
create temp table served as
select c.role, c.token, c.actor, c.name
from (values
  ('accountsd_server', :'client_token', pg_temp.token_actor(:'client_token'), 'a token of the account'),
  ('accountsd_server', :'operations_token', pg_temp.token_actor(:'operations_token'), 'an Operations token'),
  ('accountsd_dba', :'client_token', pg_temp.token_actor(:'client_token'), 'a DBA with a token'),
  ('accountsd_dba', null, '{"name": "accountsd_dba"}'::jsonb, 'a DBA')
) as c (role, token, actor, name);
