-- The shape of the request that an operation of internal.perform takes; null for one that takes none.
create or replace function internal.shape_of(operation text)
returns text
language sql immutable parallel safe
as $$
  select case operation
    when 'accept_invite' then 'accept_invite'
    when 'get_invitation' then 'accept_invite'
    when 'add_group' then 'group'
    when 'replace_groups' then 'array:group'
    when 'replace_user' then 'replace_user'
  end
$$;

-- Whether the request of an element has the shape that its operation takes. One that names no operation is to create.
create or replace function internal.is_well_formed(element jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  c_shape constant text := internal.shape_of(element ->> 'operation');
begin
  if c_shape is not null then
    return internal.request_errors(element -> 'request', c_shape) is null;
  elsif coalesce(element ->> 'operation', 'create') = 'create' then
    return internal.is_plain_invitation(element -> 'request')
      or internal.request_errors(element -> 'request', 'create_account_user') is null;
  end if;
  return true;
end
$$;
