-- Limits on invitations for each token, account and recipient. Whatever sends a mail counts, in its own transaction.
--
-- A counter is a leaky bucket in one row: the limit is its capacity, and it drains at the rate invitations / period.
-- So there is no window whose start would allow twice as many, and no list of times to store. The row stays locked
-- until the transaction ends, so the count is exact with any number of servers; requests that share a counter wait
-- for each other. A kind without a limit has neither rows nor locks.
--
-- One statement increments, and so locks, all counters of a set, in order and before any other row. Requests that
-- turn out to be over a limit, or are not performed for another reason, are subtracted again.

-- The counters that each request of a plan counts against.
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

-- What remains of used, which was counted at counted_at, at a given moment. At most the limit, which may have been
-- lowered.
create or replace function internal.still_used(
  used double precision, counted_at timestamptz, moment timestamptz, invitations int, period interval)
returns double precision
language sql stable parallel safe
as $$
  select least(invitations, greatest(0, used
    - invitations * greatest(0, date_part('epoch', moment - counted_at)) / date_part('epoch', period)))
$$;

-- The first full hour at which the counter is empty.
create or replace function internal.empty_at(
  used double precision, counted_at timestamptz, invitations int, period interval)
returns timestamptz
language sql stable parallel safe
as $$
  select date_trunc('hour', counted_at + used * period / invitations, 'UTC') + interval '1 hour'
$$;

-- Counts the requests of a plan with status 201, and refuses those over a limit with 429, in order of arrival.
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
          -- A transaction that waited for the lock has an earlier statement_timestamp().
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

  -- Delete twice as many empty counters as were added, so that the table stays small without a clean-up job.
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

-- Returns a plan, all of which is counted, with requests over a limit refused and subtracted. A request whose
-- membership is Active already is refused for that reason instead and does not count.
create or replace function internal.refuse_over_limits(plan internal.planned_invitation[])
returns internal.planned_invitation[]
language plpgsql
as $$
declare
  -- For each kind and subject, the number counted; for each account and address, its last wave.
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
      -- Report the longest wait, because all limits must allow the request.
      select
        s.kind,
        (u.used + 1 - s.invitations) * date_part('epoch', s.period) / s.invitations as seconds
      into v_over
      from internal.limit_subjects(array[v_request]) as s
      cross join lateral (select (v_used ->> (s.kind || ' ' || s.subject))::double precision as used) as u
      -- Tolerates rounding errors of the drained amount.
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
        -- A limit configured in the meantime was not counted.
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

-- Subtracts the requests of a plan that were counted but not performed.
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
