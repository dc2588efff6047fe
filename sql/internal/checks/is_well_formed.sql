-- The shape of the request body of an operation; null if the operation takes no body.
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

-- Whether the body of a request has the shape that its operation takes.
create or replace function internal.is_well_formed(request internal.request)
returns boolean
language plpgsql immutable parallel safe
as $$
declare
  c_shape constant text := internal.shape_of(request.operation);
begin
  if c_shape is not null then
    return internal.request_errors(request.body, c_shape) is null;
  elsif request.operation = 'create' then
    return internal.is_plain_invitation(request.body)
      or internal.request_errors(request.body, 'create_account_user') is null;
  end if;
  return true;
end
$$;
