create or replace function api.list_deliveries(
  status text default null, account_user_id text default null, row_limit int default 100, row_offset int default 0)
returns json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_errors constant jsonb := (
    select jsonb_object_agg(m.field, jsonb_build_array(m.message))
    from (values
      ('status', 'is not Queued, Sent, GivenUp or Cancelled',
        coalesce(status not in ('Queued', 'Sent', 'GivenUp', 'Cancelled'), false)),
      ('account_user_id', 'is not an account user id',
        account_user_id is not null and internal.account_user_key(account_user_id) is null),
      ('row_limit', 'is not 0 to 1000', (row_limit between 0 and 1000) is not true),
      ('row_offset', 'is not 0 or more', (row_offset >= 0) is not true)
    ) as m (field, message, is_wrong)
    where m.is_wrong);
begin
  perform internal.require_actor();
  if c_errors is not null then
    perform internal.raise_problem(400, 'The request is not valid.', c_errors);
  end if;
  return (
    with mail as materialized (
      select o.key
      from (
        select a.key, a.delivery from accounts.outbox as a where account_user_id is null
        union all
        select a.key, a.delivery
        from accounts.invitation as i
        join accounts.outbox as a on a.invitation_key = i.key
        where i.account_user_key = internal.account_user_key(account_user_id)
      ) as o
      where o.delivery is not null
        and (list_deliveries.status is null or o.delivery = list_deliveries.status::accounts.delivery_status)
    )
    select json_build_object(
      '$meta', json_build_object(
        'pagination', json_build_object(
          'offset', row_offset, 'limit', row_limit, 'total', (select count(*) from mail))),
      'data', coalesce((
        select json_agg(internal.delivery_object(o) order by o.key desc)
        from (select m.key from mail as m order by m.key desc limit row_limit offset row_offset) as page
        join accounts.outbox as o on o.key = page.key), '[]'::json)));
end
$$;

comment on function api.list_deliveries(text, text, int, int) is
'The mails of the outbox, newest first: status, number of attempts, why it was not sent, and when it is retried.
status: Queued, Sent, GivenUp or Cancelled (the invitation was no longer open). account_user_id: of one membership.
Returns {"$meta": {"pagination": ...}, "data": [...]} like the lists. unresolvedAttempts: the number of attempts whose
outcome is unknown; any of them may have sent the mail. Raises PT400, PT401.';

grant execute on function api.list_deliveries(text, text, int, int) to accountsd_dba;
