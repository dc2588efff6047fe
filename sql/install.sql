-- Loads every procedure of accountsd, in one transaction, as often as you like:
--   psql -X -v ON_ERROR_STOP=1 -f sql/install.sql
-- The migrations come first. Who runs it must be a member of accountsd_owner.
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;

begin;

set local role accountsd_owner;

-- Two installs at once would trip over each other's function definitions.
select pg_advisory_xact_lock(hashtext('accountsd install')) \g (format=unaligned) /dev/null

do $$
declare
  c_needed constant int := 1;
  v_version constant int := (select version from accounts.schema_version);
begin
  if v_version <> c_needed then
    raise exception 'these procedures are for tables of version %, and the tables are of version %', c_needed, v_version
      using hint = 'Run the migrations of the same release first.';
  end if;
end
$$;

\ir internal/public_id.sql
\ir internal/unicode_tables.sql
\ir internal/case_folded.sql
\ir internal/punycode.sql
\ir internal/domain_ascii.sql
\ir internal/email_key.sql
\ir internal/sort_name.sql
\ir internal/trace_id.sql
\ir internal/trimmed.sql
\ir internal/timestamp_text.sql
\ir internal/lifetime_text.sql
\ir internal/items.sql
\ir internal/fields.sql
\ir internal/text_errors.sql
\ir internal/texts_errors.sql
\ir internal/shape_errors.sql
\ir internal/array_errors.sql
\ir internal/request_errors.sql
\ir internal/is_plain_invitation.sql
\ir internal/is_well_formed.sql
\ir internal/raise_problem.sql
\ir internal/require_shape.sql
\ir internal/caller_role.sql
\ir internal/caller_actor.sql
\ir internal/required_actor.sql
\ir internal/new_secret.sql
\ir internal/audit.sql
\ir internal/verdicts.sql
\ir internal/answer.sql
\ir internal/refuse_change.sql
\ir internal/take_profile.sql
\ir internal/spread_profile.sql
\ir internal/count_members.sql
\ir internal/skip_row.sql
\ir internal/revise_groups.sql
\ir internal/required_account.sql
\ir internal/module_settings.sql
\ir internal/token_callers.sql
\ir internal/authenticate.sql
\ir internal/group_errors.sql
\ir internal/membership_object.sql
\ir internal/group_members.sql
\ir internal/kept_group_members.sql
\ir internal/membership_objects.sql
\ir internal/list_fields.sql
\ir internal/rql_parameters.sql
\ir internal/rql_parsed.sql
\ir internal/rql_condition.sql
\ir internal/select_members.sql
\ir internal/list_statement.sql
\ir internal/list_memberships.sql
\ir internal/list_account_users.sql
\ir internal/list_users.sql
\ir internal/visible.sql
\ir internal/lock_membership.sql
\ir internal/account_is_disabled.sql
\ir internal/wake_readers.sql
\ir internal/tell_status.sql
\ir internal/change_membership.sql
\ir internal/close_invitation.sql
\ir internal/shown.sql
\ir internal/inviter.sql
\ir internal/invitation_state.sql
\ir internal/show_invitation.sql
\ir internal/accept_invitation.sql
\ir internal/renew_invitation.sql
\ir internal/change_groups.sql
\ir internal/remove_account_user.sql
\ir internal/perform.sql
\ir internal/rehearsal_key.sql
\ir internal/planned_invitations.sql
\ir internal/invitation_limits.sql
\ir internal/invited_again.sql
\ir internal/create_account_users.sql
\ir internal/idempotency.sql
\ir internal/invite.sql
\ir internal/created.sql
\ir internal/serve.sql
\ir internal/rehearse.sql
\ir internal/change_settings.sql
\ir internal/delivery_outcome.sql
\ir internal/claim_delivery.sql
\ir internal/delivery_object.sql
\ir internal/notice_expiries.sql
\ir internal/number_events.sql
\ir internal/check_memberships.sql
\ir internal/check_catalogue.sql
\ir internal/repair.sql

\ir api/schema_version.sql
\ir api/configure.sql
\ir api/create_account.sql
\ir api/create_module.sql
\ir api/create_buyer.sql
\ir api/create_user_group.sql
\ir api/create_api_token.sql
\ir api/disable_api_token.sql
\ir api/create_account_user.sql
\ir api/create_user.sql
\ir api/create_account_users.sql
\ir api/list_account_users.sql
\ir api/get_account_user.sql
\ir api/accept_account_user_invite.sql
\ir api/resend_account_user_invite.sql
\ir api/send_new_account_user_invite.sql
\ir api/add_account_user_group.sql
\ir api/replace_account_user_groups.sql
\ir api/take_account_user_group.sql
\ir api/remove_account_user.sql
\ir api/list_users.sql
\ir api/get_user.sql
\ir api/accept_user_invite.sql
\ir api/resend_user_invite.sql
\ir api/send_new_user_invite.sql
\ir api/add_user_group.sql
\ir api/replace_user_groups.sql
\ir api/take_user_group.sql
\ir api/remove_user.sql
\ir api/replace_user.sql
\ir api/check_tokens.sql
\ir api/serve.sql
\ir api/get_invitation.sql
\ir api/claim_deliveries.sql
\ir api/complete_deliveries.sql
\ir api/delivery_backlog.sql
\ir api/key_space.sql
\ir api/list_deliveries.sql
\ir api/retry_delivery.sql
\ir api/announce_expiries.sql
\ir api/number_events.sql
\ir api/read_events.sql
\ir api/check.sql
\ir api/repair.sql

-- What an earlier release had and this one has not: a function that this transaction did not write.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid
    from pg_proc as p
    where p.pronamespace in ('api'::regnamespace, 'internal'::regnamespace)
      and p.xmin <> pg_current_xact_id()::xid
  loop
    execute format('drop function %s', v_function);
  end loop;
end
$$;

\ir settings.sql

commit;
