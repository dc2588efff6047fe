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
