-- internal.email_key of an address that is not all ASCII. Text that is not an address has a key too, because filters
-- may compare with it.
create or replace function internal.folded_email(email text)
returns text
language plpgsql immutable strict parallel safe
as $$
declare
  v_at constant int := position('@' in email);
  v_domain constant text := case when v_at > 0 then internal.domain_ascii(substr(email, v_at + 1)) end;
begin
  return case when v_domain is null then internal.fold_case(email)
    else internal.fold_case(left(email, v_at)) || v_domain end;
end
$$;

-- The key of a mailbox in accounts.person: the local part folded, the domain as internal.domain_ascii. It uses tables
-- of this schema only, so that an upgrade of a library does not change stored keys. An address has at most 254
-- characters.
create or replace function internal.email_key(email text)
returns text
language sql immutable parallel safe
as $$
  select case when octet_length(email) = char_length(email) then lower(email collate "C")
    else internal.folded_email(left(email, 255)) end collate "C"
$$;
