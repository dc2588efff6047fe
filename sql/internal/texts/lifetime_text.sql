-- A length of time as api.configure takes it: whole days, or minutes.
create or replace function internal.lifetime_text(lifetime interval)
returns text
language sql immutable parallel safe
as $$
  select case
    when extract(epoch from lifetime)::bigint % 86400 = 0 then extract(epoch from lifetime)::bigint / 86400 || ' days'
    else extract(epoch from lifetime)::bigint / 60 || ' minutes'
  end
$$;

-- A limit as api.configure takes it.
create or replace function internal.limit_text(kind text)
returns text
language sql stable
as $$
  select coalesce(
    (select l.invitations || ' per ' || internal.lifetime_text(l.period)
      from accounts.invitation_limit as l where l.kind = limit_text.kind),
    'none')
$$;
