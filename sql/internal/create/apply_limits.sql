-- Limits to how many invitations a token, an account and a recipient have. What sends a mail counts, in the transaction
-- that does it.
--
-- A counter is a leaky bucket, one row: what a limit allows at once, and after that one each period / invitations. So
-- there is no moment at which a window begins anew and lets twice as many pass, and no list of moments to keep. The row
-- is locked while the work is done, which makes it exact, however many servers there are, and makes those who share
-- a counter wait for each other; without a limit of a kind there are neither rows nor locks of it.
--
-- All counters of a set are locked by the one statement that raises them, in order, and before anything else is. What
-- turns out to be over a limit, or is not done for another reason, is taken off again.

-- What of a set counts against which limits.
create or replace function internal.limit_subjects(plan internal.planned_invitation[])
returns table (ordinal int, kind text, subject text, invitations int, period interval)
language sql stable
as $$
  select p.ordinal, l.kind, s.subject, l.invitations, l.period
  from unnest(plan) as p
  cross join lateral (values
    ('token', p.actor ->> 'id'), ('account', internal.account_id(p.account_key)), ('recipient', p.email_key)
  ) as s (kind, subject)
  join accounts.invitation_limit as l on l.kind = s.kind
  where p.status = 201 and s.subject is not null
$$;

-- How many of those used at counted_at still count at a moment. No more than there may be, if that was changed.
create or replace function internal.still_used(
  used double precision, counted_at timestamptz, moment timestamptz, invitations int, period interval)
returns double precision
language sql stable parallel safe
as $$
  select least(invitations, greatest(0, used
    - invitations * greatest(0, date_part('epoch', moment - counted_at)) / date_part('epoch', period)))
$$;

-- The full hour by which nothing of it counts any more.
create or replace function internal.empty_at(
  used double precision, counted_at timestamptz, invitations int, period interval)
returns timestamptz
language sql stable parallel safe
as $$
  select date_trunc('hour', counted_at + used * period / invitations, 'UTC') + interval '1 hour'
$$;

-- Counts the requests of a plan that are to be done (201), and refuses those over a limit (429), in order of arrival.
create or replace function internal.apply_limits(plan internal.planned_invitation[])
returns internal.planned_invitation[]
language plpgsql
as $$
declare
  v_is_over boolean;
  v_new int;
begin
  if not exists (select from accounts.invitation_limit) then
    return plan;
  end if;

  with counted as (
    insert into accounts.invitation_use as u (kind, subject, used, counted_at, empty_at)
    select s.kind collate "C", s.subject collate "C", count(*), statement_timestamp(),
      internal.empty_at(count(*), statement_timestamp(), min(s.invitations), min(s.period))
    from internal.limit_subjects(plan) as s
    group by s.kind collate "C", s.subject collate "C"
    order by s.kind collate "C", s.subject collate "C"
    on conflict (kind, subject) do update
    set (used, counted_at, empty_at) = (
      select n.used, n.counted_at, internal.empty_at(n.used, n.counted_at, n.invitations, n.period)
      from (
        select
          excluded.used
            + internal.still_used(u.used, u.counted_at, excluded.counted_at, l.invitations, l.period) as used,
          -- Who had to wait for the lock comes with an earlier moment.
          greatest(u.counted_at, excluded.counted_at) as counted_at,
          l.invitations, l.period
        from accounts.invitation_limit as l
        where l.kind = u.kind
        offset 0
      ) as n)
    returning u.kind, u.used, u.xmax = 0 as is_new
  )
  select bool_or(c.used > l.invitations), count(*) filter (where c.is_new) into v_is_over, v_new
  from counted as c
  join accounts.invitation_limit as l on l.kind = c.kind;

  -- Twice as many go of those that count nothing any more, so that there are never many and nobody has to clean up.
  if v_new > 0 then
    delete from accounts.invitation_use as u
    where u.ctid = any (array(
      select old.ctid
      from accounts.invitation_use as old
      where old.empty_at <= statement_timestamp()
      order by old.empty_at
      limit 2 * v_new
      for update skip locked));
  end if;

  return case when v_is_over then internal.refuse_over_limits(plan) else plan end;
end
$$;

-- The same plan, all of which is counted, with those refused that are over a limit, and counted no longer. One for whom
-- there is a membership that is Active is not to be done, and so not over a limit.
create or replace function internal.refuse_over_limits(plan internal.planned_invitation[])
returns internal.planned_invitation[]
language plpgsql
as $$
declare
  -- For each kind and subject, how many are counted; for each account and address, its last wave.
  v_used jsonb;
  v_waves jsonb := '{}'::jsonb;
  v_member text;
  v_over record;
  v_request internal.planned_invitation;
  v_plan internal.planned_invitation[] := array[]::internal.planned_invitation[];
begin
  select jsonb_object_agg(s.kind || ' ' || s.subject, greatest(0, u.used - s.count)) into v_used
  from (
    select w.kind, w.subject, count(*) as count
    from internal.limit_subjects(plan) as w
    group by w.kind, w.subject
  ) as s
  join accounts.invitation_use as u on u.kind = s.kind and u.subject = s.subject;

  foreach v_request in array plan loop
    if v_request.status = 201 and exists (
      select
      from accounts.person as p
      join accounts.account_user as m on m.person_key = p.key and m.account_key + 0 = v_request.account_key
      where p.email_key = v_request.email_key and m.status = 'Active')
    then
      v_request.status := 409;
      v_request.detail := 'The person is an active user of the account already.';
      v_request.wave := null;
    elsif v_request.status = 201 then
      -- Told the longest time, because all limits must let it pass.
      select
        s.kind,
        (u.used + 1 - s.invitations) * date_part('epoch', s.period) / s.invitations as seconds
      into v_over
      from internal.limit_subjects(array[v_request]) as s
      cross join lateral (select (v_used ->> (s.kind || ' ' || s.subject))::double precision as used) as u
      -- A millionth of an invitation, because what is left is computed.
      where u.used + 1 > s.invitations + 1e-6
      order by seconds desc
      limit 1;
      if found then
        v_request.status := 429;
        v_request.detail := 'There are too many invitations '
          || case v_over.kind when 'token' then 'by this token.' when 'account' then 'into this account.'
            else 'to this person.' end;
        v_request.errors := jsonb_build_object('Retry-After', jsonb_build_array(ceil(v_over.seconds)::text));
        v_request.wave := null;
      else
        select v_used || coalesce(jsonb_object_agg(s.name, (v_used ->> s.name)::double precision + 1), '{}') into v_used
        from (
          select w.kind || ' ' || w.subject as name from internal.limit_subjects(array[v_request]) as w
        ) as s
        -- A limit that was set in the meantime has not counted.
        where v_used ? s.name;
        v_member := v_request.account_key || ' ' || v_request.email_key;
        v_request.wave := coalesce((v_waves ->> v_member)::int, 0) + 1;
        v_waves := v_waves || jsonb_build_object(v_member, v_request.wave);
      end if;
    end if;
    v_plan := v_plan || v_request;
  end loop;

  update accounts.invitation_use as u
  set used = n.value::double precision
  from jsonb_each_text(v_used) as n
  where u.kind = split_part(n.key, ' ', 1) and u.subject = split_part(n.key, ' ', 2);
  return v_plan;
end
$$;

-- Takes off again what of a plan was counted and has not been done after all.
create or replace function internal.uncount_invitations(plan internal.planned_invitation[], done int[])
returns void
language plpgsql
as $$
begin
  update accounts.invitation_use as u
  set used = greatest(0, u.used - s.count)
  from (
    select w.kind, w.subject, count(*) as count
    from internal.limit_subjects(plan) as w
    where w.ordinal <> all (done)
    group by w.kind, w.subject
  ) as s
  where u.kind = s.kind and u.subject = s.subject;
end
$$;
