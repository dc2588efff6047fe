-- An interval in the form that api.configure takes: whole days, or else minutes.
create or replace function internal.lifetime_text(lifetime interval)
returns text
language sql immutable parallel safe
as $$
  select case
    when extract(epoch from lifetime)::bigint % 86400 = 0 then extract(epoch from lifetime)::bigint / 86400 || ' days'
    else extract(epoch from lifetime)::bigint / 60 || ' minutes'
  end
$$;

-- A limit in the form that api.configure takes.
create or replace function internal.limit_text(kind text)
returns text
language sql stable
as $$
  select coalesce(
    (select l.invitations || ' per ' || internal.lifetime_text(l.period)
      from accounts.invitation_limit as l where l.kind = limit_text.kind),
    'none')
$$;
