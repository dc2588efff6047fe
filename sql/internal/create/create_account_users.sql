-- Invites a set of people. Each request has its own outcome: one that fails does not affect the others. A set of one
-- is the ordinary case. Only errors of PostgreSQL itself are raised (lost connection, deadlock, timeout), and then
-- none of the set was performed.
--
-- requests: in order of arrival; used are kind, account_id, query, body, token and traceparent. The rows are returned
-- in no particular order. codes: the codes of the invitations, in the order of the requests; a null code is
-- generated. is_rehearsal: everything will be rolled back, so keys come from the range for dry runs.
--
-- Locks are taken in one order (counters of limits, people by address, memberships by account and person, kept sets
-- of groups), so that concurrent sets wait for each other without deadlocks. Requests of one set for the same
-- membership are put into successive waves: the second finds what the first created, like any later request.
--
-- There are few statements, each for the whole set, and few plpgsql expressions: starting one costs more than the
-- work for one request within it. Every row is found by an index (sql/settings.sql), one table after the other
-- ("lateral" with "offset 0").
create or replace function internal.create_account_users(
  requests internal.request[], codes text[] default null, is_rehearsal boolean default false)
returns table (ordinal int, status int, id text, body json, detail text, errors jsonb)
language plpgsql
as $$
#variable_conflict use_column
declare
  c_plan constant internal.planned_invitation[] := internal.apply_limits(internal.plan_invitations(requests));
  v_request internal.planned_invitation;
  v_waves int := 0;
  -- Ordinals of the requests that succeeded, in all waves.
  v_invited int[] := array[]::int[];
  v_new_keys bigint[];
  -- What a wave has invited; one element for each membership.
  v_ordinals int[];
  v_keys bigint[];
  v_codes text[];
  v_ids text[];
  v_kinds text[];
  v_queries text[];
  v_kind text;
  v_shown record;
  -- Memberships whose groups give what is not kept yet.
  v_unkept bigint[] := array[]::bigint[];
begin
  foreach v_request in array c_plan loop
    v_waves := greatest(v_waves, v_request.wave);
  end loop;

  for v_wave in 1 .. v_waves loop
    -- Existing people are excluded first, so that they consume no keys of the sequence.
    insert into accounts.person (key, email_key)
    overriding system value
    select
      case when is_rehearsal then internal.next_rehearsal_key() else nextval('accounts.person_key_seq') end,
      n.email_key
    from (
      select distinct p.email_key
      from unnest(c_plan) as p
      left join lateral (
        select i.key from accounts.person as i where i.email_key = p.email_key offset 0
      ) as known on true
      where p.wave = v_wave and known.key is null
    ) as n
    order by n.email_key
    on conflict (email_key) do nothing;

    with membership as (
      insert into accounts.account_user as u (
        key, account_key, person_key, created_by, updated_by, email, first_name, last_name, phone_prefix, phone_number,
        culture_code, language_code)
      overriding system value
      select
        case when is_rehearsal then internal.next_rehearsal_key() else nextval('accounts.account_user_key_seq') end,
        p.account_key, person.key, p.actor, p.actor,
        internal.trim_text(p.body #>> '{user,email}'),
        internal.trim_text(p.body #>> '{user,firstName}'),
        internal.trim_text(p.body #>> '{user,lastName}'),
        p.body #>> '{user,phone,prefix}',
        p.body #>> '{user,phone,number}',
        p.body #>> '{user,settings,cultureCode}',
        p.body #>> '{user,settings,languageCode}'
      from unnest(c_plan) as p
      cross join lateral (
        select i.key from accounts.person as i where i.email_key = p.email_key offset 0
      ) as person
      where p.wave = v_wave
      order by p.account_key, person.key
      on conflict (account_key, person_key) do nothing
      returning u.key
    )
    select coalesce(array_agg(m.key), '{}') into v_new_keys from membership as m;
    -- The insert skips memberships that exist. Those that are Active stay so.
    if cardinality(v_new_keys) < cardinality(c_plan) then
      perform internal.invite_again(c_plan, v_wave, v_new_keys);
    end if;

    with made as materialized (
      select
        p.ordinal, p.kind, p.query, p.actor, p.trace_id, p.account_key, p.user_group_keys, m.key, m.person_key,
        internal.account_user_id(m.key) as id, coalesce(codes[p.ordinal], internal.make_secret()) as code
      from unnest(c_plan) as p
      cross join lateral (
        select i.key from accounts.person as i where i.email_key = p.email_key offset 0
      ) as person
      cross join lateral (
        select i.key, i.person_key, i.status
        from accounts.account_user as i
        where i.account_key = p.account_key and i.person_key = person.key
        offset 0
      ) as m
      where p.wave = v_wave and m.status = 'Invited'
    ),
    linked as (
      insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
      select m.key, g.key, m.account_key
      from made as m
      cross join unnest(m.user_group_keys) as g (key)
      on conflict (account_user_key, user_group_key) do nothing
    ),
    audited as (
      insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
      select case when m.key = any (v_new_keys) then 'account_user.invited' else 'account_user.invited_again' end,
        m.actor, internal.caller_role(), m.trace_id, m.id, m.account_key
      from made as m
    ),
    invited as (
      insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
      select m.key, sha256(convert_to(m.code, 'UTF8')), now() + s.invitation_lifetime, m.actor
      from made as m
      cross join accounts.settings as s
      returning key
    ),
    mailed as (
      insert into accounts.outbox (topic, invitation_key)
      select 'invitation.mail', i.key from invited as i
    )
    select
      array_agg(m.ordinal), array_agg(m.key), array_agg(m.code),
      array_agg(case m.kind when 'user' then internal.person_id(m.person_key) else m.id end),
      array_agg(m.kind), array_agg(m.query)
    into v_ordinals, v_keys, v_codes, v_ids, v_kinds, v_queries
    from made as m;
    continue when v_ordinals is null;

    perform internal.notify_listeners();
    foreach v_kind in array array['account_user', 'user'] loop
      continue when v_kind <> all (v_kinds);
      for v_shown in
        select o.position, o.object, o.is_kept
        from internal.show_invited(v_kind, v_kinds, v_keys, v_codes, v_queries) as o
      loop
        ordinal := v_ordinals[v_shown.position];
        status := 201;
        id := v_ids[v_shown.position];
        body := v_shown.object;
        return next;
        if not v_shown.is_kept then
          v_unkept := v_unkept || v_keys[v_shown.position];
        end if;
      end loop;
    end loop;
    v_invited := v_invited || v_ordinals;
  end loop;

  -- Once for all waves, so that the sets are locked in one order.
  if v_unkept <> '{}' then
    perform internal.keep_group_members(array(
      select distinct array(
        select l.user_group_key from accounts.account_user_group as l
        where l.account_user_key = k.key
        order by l.user_group_key)::text
      from unnest(v_unkept) as k (key)));
  end if;
  if cardinality(v_invited) < cardinality(c_plan) then
    perform internal.uncount_invitations(c_plan, v_invited);
    return query
    select
      p.ordinal,
      case when p.status = 201 then 409 else p.status end,
      null::text,
      null::json,
      case when p.status = 201 then 'The person is an active user of the account already.' else p.detail end,
      p.errors
    from unnest(c_plan) as p
    where p.ordinal <> all (v_invited);
  end if;
end
$$;
