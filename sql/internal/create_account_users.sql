-- Invites a set of people, each request with its own verdict: one that fails changes nothing
-- for the others. A set of one is the ordinary case. Raises nothing but what Postgres itself
-- raises (a lost connection, a deadlock, a timeout), and then nothing of the set was done.
--
-- requests: array of {"request", "token", "traceparent"} in order of arrival, and of {"kind",
-- "account", "query"} as in internal.perform. The rows come in no particular order. codes: for the requests at the same
-- places; one that is null is made up.
--
-- Locks are taken in one order, people by address and then memberships by key, so that sets
-- that meet wait for each other and do not deadlock. Two requests for the same membership in
-- one set are two waves: the second finds what the first has made, like any later request.
--
-- Rows are written a table at a time, from arrays: what a statement costs to begin (its plan's nodes, the checks of its
-- table) is paid once for the set, and for a set of one there is no join or sort that its row would not need.
--
-- Every row is found by an index. Planned while tables are small, as they are on the first day, the statements would
-- read whole tables until the next analyze; so they are not left the choice.
create or replace function internal.create_account_users(requests jsonb, codes text[] default null)
returns table (ordinal int, status int, id text, body json, detail text, errors jsonb)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  c_all constant text[] := internal.object_members('account_user');
  c_role constant text := internal.caller_role();
  c_plan constant internal.planned_invitation[] := internal.planned_invitations(requests);
  v_settings accounts.settings;
  v_one internal.planned_invitation;
  v_wave int := 1;
  v_last_wave int := 0;
  v_made record;
  v_shared_keys bigint[];
  v_shared record;
  v_code text;
  -- What a wave has made: one element a membership, and one a link of a membership to a group.
  v_ordinals int[];
  v_keys bigint[];
  v_codes text[];
  v_actors jsonb[];
  v_trace_ids text[];
  v_account_keys bigint[];
  v_actions text[];
  v_linked_keys bigint[];
  v_linked_group_keys bigint[];
  v_linked_account_keys bigint[];
begin
  select * into v_settings from accounts.settings;

  foreach v_one in array c_plan loop
    if v_one.status <> 201 then
      ordinal := v_one.ordinal;
      status := v_one.status;
      detail := v_one.detail;
      errors := v_one.errors;
      return next;
    else
      v_last_wave := greatest(v_last_wave, v_one.wave);
    end if;
  end loop;
  status := 201;
  detail := null;
  errors := null;

  while v_wave <= v_last_wave loop
    v_ordinals := '{}';
    v_keys := '{}';
    v_codes := '{}';
    v_actors := '{}';
    v_trace_ids := '{}';
    v_account_keys := '{}';
    v_actions := '{}';
    v_linked_keys := '{}';
    v_linked_group_keys := '{}';
    v_linked_account_keys := '{}';

    -- Looked up first, so that inviting known people uses up no keys.
    insert into accounts.person
      (email, first_name, last_name, phone_prefix, phone_number, culture_code, language_code)
    select
      p.request #>> '{user,email}',
      internal.trimmed(p.request #>> '{user,firstName}'),
      internal.trimmed(p.request #>> '{user,lastName}'),
      p.request #>> '{user,phone,prefix}',
      p.request #>> '{user,phone,number}',
      p.request #>> '{user,settings,cultureCode}',
      p.request #>> '{user,settings,languageCode}'
    from unnest(c_plan) as p
    where p.wave = v_wave
      and not exists (select from accounts.person as known where known.email_key = p.email_key)
    on conflict (email_key) do nothing;

    -- One statement decides between first invitation, re-invite and refusal: a row that is
    -- Active is not updated, and so not returned. xmax is 0 in a row that was inserted.
    for v_made in
      with membership as (
        insert into accounts.account_user as u (account_key, person_key, sort_name, created_by, updated_by)
        select p.account_key, person.key, person.sort_name, p.actor, p.actor
        from unnest(c_plan) as p
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
        returning u as member, u.account_key, u.person_key, u.key, u.xmax = 0 as is_new
      )
      select m.key, m.member, m.is_new, person, a as account, p as planned
      from membership as m
      join accounts.person as person on person.key = m.person_key
      join accounts.account as a on a.key = m.account_key
      join unnest(c_plan) as p on p.email_key = person.email_key and p.account_key = m.account_key and p.wave = v_wave
    loop
      v_one := v_made.planned;
      -- A re-invite: the groups are those given now, and the code of before is dead.
      if not v_made.is_new then
        delete from accounts.account_user_group as l
        where l.account_user_key = v_made.key and l.user_group_key <> all (v_one.user_group_keys);
        perform internal.close_invitation(v_made.key, 'Superseded');
      end if;
      v_code := coalesce(codes[v_one.ordinal], internal.new_secret());
      ordinal := v_one.ordinal;
      if v_one.kind = 'account_user' and v_one.query = '' then
        if v_one.user_group_keys is distinct from v_shared_keys then
          v_shared_keys := v_one.user_group_keys;
          v_shared := internal.group_members(v_shared_keys, c_all);
        end if;
        id := internal.account_user_id(v_made.key);
        body := internal.account_user_object(
          v_made.member, v_made.person, v_made.account, v_shared.groups, v_shared.buyers, v_shared.modules, 'Invited',
          v_code, v_settings.invitation_url_base, c_all, '"$meta" : {"omitted" : []}')::json;
        return next;
      end if;
      v_ordinals := v_ordinals || v_one.ordinal;
      v_keys := v_keys || v_made.key;
      v_codes := v_codes || v_code;
      v_actors := v_actors || v_one.actor;
      v_trace_ids := v_trace_ids || v_one.trace_id;
      v_account_keys := v_account_keys || v_one.account_key;
      v_actions := v_actions
        || case when v_made.is_new then 'account_user.invited' else 'account_user.invited_again' end;
      v_linked_keys := v_linked_keys || array_fill(v_made.key, array[cardinality(v_one.user_group_keys)]);
      v_linked_group_keys := v_linked_group_keys || v_one.user_group_keys;
      v_linked_account_keys := v_linked_account_keys
        || array_fill(v_one.account_key, array[cardinality(v_one.user_group_keys)]);
    end loop;

    insert into accounts.account_user_group (account_user_key, user_group_key, account_key)
    select l.key, l.group_key, l.account_key
    from unnest(v_linked_keys, v_linked_group_keys, v_linked_account_keys) as l (key, group_key, account_key)
    on conflict (account_user_key, user_group_key) do nothing;

    with invited as (
      insert into accounts.invitation (account_user_key, code_sha256, expires_at, invited_by)
      select m.key, sha256(convert_to(m.code, 'UTF8')), now() + v_settings.invitation_lifetime, m.actor
      from unnest(v_keys, v_codes, v_actors) as m (key, code, actor)
      returning key
    )
    insert into accounts.outbox (topic, invitation_key)
    select 'invitation.mail', i.key from invited as i;

    insert into accounts.audit_record (action, actor, database_role, trace_id, object_id, account_key)
    select m.action, m.actor, c_role, m.trace_id, internal.account_user_id(m.key), m.account_key
    from unnest(v_keys, v_actions, v_actors, v_trace_ids, v_account_keys)
      as m (key, action, actor, trace_id, account_key);

    foreach v_one in array c_plan loop
      if v_one.wave = v_wave then
        if v_one.ordinal <> all (v_ordinals) then
          ordinal := v_one.ordinal;
          status := 409;
          id := null;
          body := null;
          detail := 'The person is an active user of the account already.';
          return next;
          status := 201;
          detail := null;
        elsif v_one.kind <> 'account_user' or v_one.query <> '' then
          return query
          select v_one.ordinal, 201,
            case v_one.kind when 'user' then internal.person_id(u.person_key) else internal.account_user_id(u.key) end,
            o.object, null, null::jsonb
          from accounts.account_user as u
          cross join lateral internal.selected_object(
            v_one.kind, u.key, v_codes[array_position(v_ordinals, v_one.ordinal)], v_one.query) as o
          where u.key = v_keys[array_position(v_ordinals, v_one.ordinal)];
        end if;
      end if;
    end loop;
    v_wave := v_wave + 1;
  end loop;
end
$$;
