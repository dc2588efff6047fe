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
-- work for one request within it. Response objects are built from the rows while these are at hand.
--
-- Every row is found by an index (sql/settings.sql), one table after the other ("lateral" with "offset 0").
create or replace function internal.create_account_users(
  requests internal.request[], codes text[] default null, is_rehearsal boolean default false)
returns table (ordinal int, status int, id text, body json, detail text, errors jsonb)
language plpgsql
as $$
#variable_conflict use_column
declare
  c_plan constant internal.planned_invitation[] := internal.apply_limits(internal.plan_invitations(requests));
  v_wave int := 1;
  -- Ordinals of the requests that succeeded, in all waves.
  v_invited int[] := array[]::int[];
  -- What a wave has created; one element for each membership.
  v_ordinals int[];
  v_keys bigint[];
  v_are_new boolean[];
  v_codes text[];
  v_account_user_ids text[];
  v_ids text[];
  v_bodies json[];
  v_unkept text[];
begin
  while exists (select from unnest(c_plan) as p where p.wave = v_wave) loop
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

    -- The insert skips memberships that exist; internal.invite_again decides about those, and is called only if there
    -- are any.
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
      returning u as member
    ),
    invited as materialized (
      select n.member, true as is_new from membership as n
      union all
      select again, false
      from (select count(*) as count, array_agg((n.member).key) as keys from membership as n) as made
      cross join lateral internal.invite_again(c_plan, v_wave, made.keys) as again
      where made.count < cardinality(c_plan)
    )
    select
      array_agg(m.ordinal), array_agg((m.member).key), array_agg(m.is_new), array_agg(m.code), array_agg(m.id),
      array_agg(case m.kind when 'user' then internal.person_id((m.member).person_key) else m.id end),
      array_agg(
        case when m.kind = 'account_user' and m.query = '' then internal.account_user_object(
          m.id, m.member, m.account, m.given[1], m.given[2], m.given[3], 'Invited', m.code, m.url_base,
          internal.object_members('account_user'), '"$meta" : {"omitted" : []}')::json
        end),
      array_agg(distinct m.user_group_keys::text) filter (where not m.is_kept)
    into v_ordinals, v_keys, v_are_new, v_codes, v_account_user_ids, v_ids, v_bodies, v_unkept
    from (
      select
        p.ordinal, p.kind, p.query, p.user_group_keys, m.member, m.is_new, a.account,
        internal.account_user_id((m.member).key) as id,
        s.invitation_url_base as url_base, coalesce(codes[p.ordinal], internal.make_secret()) as code,
        k.user_group_keys is not null as is_kept,
        case when k.user_group_keys is not null then array[k.groups, k.buyers, k.modules]
          else internal.given_by_groups(p.user_group_keys) end as given
      from invited as m
      cross join lateral (
        select i.email_key from accounts.person as i where i.key = (m.member).person_key offset 0
      ) as person
      cross join lateral (
        select i as account, i.groups_revision from accounts.account as i where i.key = (m.member).account_key offset 0
      ) as a
      cross join lateral (
        select i.ordinal, i.kind, i.query, i.user_group_keys
        from unnest(c_plan) as i
        where i.email_key = person.email_key and i.account_key = (m.member).account_key and i.wave = v_wave
        offset 0
      ) as p
      cross join accounts.settings as s
      left join lateral (
        select i.*
        from accounts.user_group_set as i
        where i.user_group_keys = p.user_group_keys
          and i.groups_revision = a.groups_revision and i.modules_revision = s.modules_revision
        offset 0
      ) as k on true
      offset 0
    ) as m;

    if false = any (v_are_new) then
      perform internal.forget_invitation(m.key, (c_plan[m.ordinal]).user_group_keys)
      from unnest(v_ordinals, v_keys, v_are_new) as m (ordinal, key, is_new)
      where not m.is_new;
    end if;
    if v_unkept is not null then
      perform internal.keep_group_members(v_unkept);
    end if;

    with made as (
      select
        m.key, m.is_new, m.code, m.id, (c_plan[m.ordinal]).actor, (c_plan[m.ordinal]).trace_id,
        (c_plan[m.ordinal]).account_key, (c_plan[m.ordinal]).user_group_keys
      from unnest(v_ordinals, v_keys, v_are_new, v_codes, v_account_user_ids) as m (ordinal, key, is_new, code, id)
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
      select case when m.is_new then 'account_user.invited' else 'account_user.invited_again' end, m.actor,
        internal.caller_role(), m.trace_id, m.id, m.account_key
      from made as m
    ),
    invited as (
      insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
      select m.key, sha256(convert_to(m.code, 'UTF8')), now() + s.invitation_lifetime, m.actor
      from made as m
      cross join accounts.settings as s
      returning key
    )
    insert into accounts.outbox (topic, invitation_key)
    select 'invitation.mail', i.key from invited as i;
    perform internal.notify_listeners();

    return query
    select
      m.ordinal,
      201,
      m.id,
      case when m.body is not null then m.body
        else (internal.show_membership((c_plan[m.ordinal]).kind, m.key, m.code, (c_plan[m.ordinal]).query)).body
      end,
      null::text,
      null::jsonb
    from unnest(v_ordinals, v_keys, v_codes, v_ids, v_bodies) as m (ordinal, key, code, id, body);

    v_invited := v_invited || v_ordinals;
    exit when cardinality(v_invited) = cardinality(c_plan);
    v_wave := v_wave + 1;
  end loop;

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
