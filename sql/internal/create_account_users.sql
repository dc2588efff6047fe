-- Invites a set of people, each request with its own verdict: one that fails changes nothing
-- for the others. A set of one is the ordinary case. Raises nothing but what Postgres itself
-- raises (a lost connection, a deadlock, a timeout), and then nothing of the set was done.
--
-- requests: array of {"request", "token", "traceparent"} in order of arrival, and of {"kind",
-- "account", "query"} as in internal.perform. caller: the actor for requests without a token, null
-- if they may not do without. The rows come in no particular order.
--
-- Locks are taken in one order, people by address and then memberships by key, so that sets
-- that meet wait for each other and do not deadlock. Two requests for the same membership in
-- one set are two waves: the second finds what the first has made, like any later request.
create or replace function internal.create_account_users(requests jsonb, caller jsonb)
returns table (ordinal int, status int, id text, body json, detail text, errors jsonb)
language plpgsql
as $$
declare
  v_role constant text := internal.caller_role();
  v_plan constant internal.planned_invitation[] := internal.plan_account_users(requests, caller);
  v_waves constant int := (select coalesce(max(p.wave), 0) from unnest(v_plan) as p);
  -- What a wave has made, one element a membership.
  v_ordinals int[];
  v_keys bigint[];
  v_are_new boolean[];
  v_codes text[];
begin
  return query
  select p.ordinal, p.status, null, null::json, p.detail, p.errors from unnest(v_plan) as p where p.status <> 201;

  for v_wave in 1 .. v_waves loop
    -- Looked up first, so that inviting known people uses up no keys.
    insert into accounts.person
      (email, first_name, last_name, phone_prefix, phone_number, culture_code, language_code)
    select distinct on (p.email_key)
      p.request #>> '{user,email}',
      internal.trimmed(p.request #>> '{user,firstName}'),
      internal.trimmed(p.request #>> '{user,lastName}'),
      p.request #>> '{user,phone,prefix}',
      p.request #>> '{user,phone,number}',
      p.request #>> '{user,settings,cultureCode}',
      p.request #>> '{user,settings,languageCode}'
    from unnest(v_plan) as p
    where p.wave = v_wave
      and not exists (select from accounts.person as known where known.email_key = p.email_key)
    order by p.email_key, p.ordinal
    on conflict (email_key) do nothing;

    -- One statement decides between first invitation, re-invite and refusal: a row that is
    -- Active is not updated, and so not returned. xmax is 0 in a row that was inserted.
    with membership as (
      insert into accounts.account_user as u (account_key, person_key, sort_name, created_by, updated_by)
      select p.account_key, person.key, person.sort_name, p.actor, p.actor
      from unnest(v_plan) as p
      join accounts.person as person on person.email_key = p.email_key
      where p.wave = v_wave
      order by p.account_key, person.key
      on conflict (account_key, person_key) do update
        set status = 'Invited',
            updated_at = now(),
            updated_by = excluded.updated_by,
            invitation_accepted_at = null,
            joined_at = null
        where u.status <> 'Active'
      returning u.key, u.account_key, u.person_key, u.xmax = 0 as is_new
    )
    select array_agg(p.ordinal), array_agg(m.key), array_agg(m.is_new), array_agg(internal.new_secret())
    into v_ordinals, v_keys, v_are_new, v_codes
    from unnest(v_plan) as p
    join accounts.person as person on person.email_key = p.email_key
    join membership as m on m.account_key = p.account_key and m.person_key = person.key
    where p.wave = v_wave;

    return query
    select p.ordinal, 409, null, null::json, 'The person is an active user of the account already.', null::jsonb
    from unnest(v_plan) as p
    where p.wave = v_wave and p.ordinal <> all (coalesce(v_ordinals, '{}'));

    -- A re-invite: the groups are those given now, and the code of before is dead.
    if false = any (v_are_new) then
      delete from accounts.account_user_group as l
      using unnest(v_ordinals, v_keys, v_are_new) as m (ordinal, key, is_new)
      join unnest(v_plan) as p on p.ordinal = m.ordinal
      where not m.is_new
        and l.account_user_key = m.key
        and l.user_group_key <> all (p.user_group_keys);

      perform internal.close_invitation(m.key, 'Superseded')
      from unnest(v_keys, v_are_new) as m (key, is_new)
      where not m.is_new;
    end if;

    with made as (
      select m.key, m.is_new, m.code, p.account_key, p.user_group_keys, p.actor, p.trace_id
      from unnest(v_ordinals, v_keys, v_are_new, v_codes) as m (ordinal, key, is_new, code)
      join unnest(v_plan) as p on p.ordinal = m.ordinal
    ),
    linked as (
      insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
      select m.key, g.key, m.account_key
      from made as m, unnest(m.user_group_keys) as g (key)
      on conflict (account_user_key, user_group_key) do nothing
    ),
    invited as (
      insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
      select m.key, sha256(convert_to(m.code, 'UTF8')), now() + s.invitation_lifetime, m.actor
      from made as m, accounts.settings as s
      returning key
    ),
    queued as (
      insert into accounts.outbox (topic, invitation_key)
      select 'invitation.mail', i.key from invited as i
    )
    insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
    select
      case when m.is_new then 'account_user.invited' else 'account_user.invited_again' end,
      m.actor, v_role, m.trace_id, internal.account_user_id(m.key), m.account_key
    from made as m;

    return query
    select p.ordinal, 201,
      case p.kind when 'user' then internal.person_id(u.person_key) else internal.account_user_id(m.key) end,
      o.object, null, null::jsonb
    from unnest(v_ordinals, v_keys, v_codes) as m (ordinal, key, code)
    join unnest(v_plan) as p on p.ordinal = m.ordinal
    join accounts.account_user as u on u.key = m.key
    cross join lateral internal.selected_object(p.kind, m.key, m.code, p.query) as o
    where p.kind <> 'account_user' or p.query <> ''
    union all
    select m.ordinals[o.position], 201, internal.account_user_id(m.keys[o.position]), o.object, null, null::jsonb
    from (
      select array_agg(a.ordinal) as ordinals, array_agg(a.key) as keys, array_agg(a.code) as codes
      from unnest(v_ordinals, v_keys, v_codes) as a (ordinal, key, code)
      join unnest(v_plan) as p on p.ordinal = a.ordinal
      where p.kind = 'account_user' and p.query = ''
    ) as m
    cross join lateral internal.account_user_objects(m.keys, m.codes) as o;
  end loop;
end
$$;
