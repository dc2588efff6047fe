create or replace function api.retry_delivery(id bigint)
returns json
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_actor constant jsonb := internal.require_actor();
  v_entry accounts.outbox;
  v_invitation accounts.invitation;
  v_refusal text;
begin
  select * into v_entry
  from accounts.outbox as o
  where o.key = retry_delivery.id and o.delivery is not null
  for no key update;
  if not found then
    perform internal.raise_problem(404, 'There is no such delivery.');
  end if;
  select * into v_invitation from accounts.invitation as i where i.key = v_entry.invitation_key;
  v_refusal := case
    when v_entry.delivery = 'Sent' then 'The mail was sent.'
    when v_entry.claimed_at is not null and v_entry.due_at > statement_timestamp() then 'The mail is being sent.'
    else internal.mail_refusal(v_invitation)
  end;
  if v_refusal is not null then
    perform internal.raise_problem(409, v_refusal);
  end if;

  update accounts.outbox as o
  set delivery = 'Queued',
      finished_at = null,
      due_at = statement_timestamp(),
      -- Attempts keep their numbers, since an earlier one may still be completed.
      uncounted_attempts = case when v_entry.delivery = 'Queued' then o.uncounted_attempts else o.attempts end
  where o.key = v_entry.key
  returning * into v_entry;
  perform internal.record_audit('delivery.retried', c_actor,
    internal.account_user_id(v_invitation.account_user_key),
    (select u.account_key from accounts.account_user as u where u.key = v_invitation.account_user_key));
  perform internal.notify_listeners();
  return internal.delivery_object(v_entry);
end
$$;

comment on function api.retry_delivery(bigint) is
'Makes a mail due now that waits for its next attempt or was given up; the latter gets as many attempts as a new mail.
id: the id in api.list_deliveries. Returns the delivery. Raises PT401, PT404, and PT409 if the mail was sent, is being
sent, or its invitation is no longer open.';

grant execute on function api.retry_delivery(bigint) to accountsd_dba;
