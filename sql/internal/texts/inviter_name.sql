-- The name of an inviter as shown to the invited person: that of a person or a token. Null for a database role, whose
-- name means nothing to them.
create or replace function internal.inviter_name(actor jsonb)
returns text
language sql immutable parallel safe
as $$ select case when actor ? 'id' then actor ->> 'name' end $$;
