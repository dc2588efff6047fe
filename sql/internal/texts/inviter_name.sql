-- The name of who invites, as those invited are told it: a person's or a token's. Null for a database role, whose name
-- says nothing to them.
create or replace function internal.inviter_name(actor jsonb)
returns text
language sql immutable parallel safe
as $$ select case when actor ? 'id' then actor ->> 'name' end $$;
