-- Loads all functions of accountsd, in one transaction; it may be run again at any time:
--   psql -X -v ON_ERROR_STOP=1 -f sql/install.sql
-- Run the migrations first. The role that runs it must be a member of accountsd_owner.
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;

begin;

set local role accountsd_owner;

-- Concurrent installs would fail on each other's function definitions.
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

\ir internal/ids/long_id.sql
\ir internal/ids/id_of_8_digits.sql
\ir internal/ids/account_id.sql
\ir internal/ids/person_id.sql
\ir internal/ids/user_group_id.sql
\ir internal/ids/buyer_id.sql
\ir internal/ids/api_token_id.sql
\ir internal/ids/module_id.sql
\ir internal/ids/account_user_id.sql
\ir internal/texts/unicode_texts.sql
\ir internal/texts/unicode_domains.sql
\ir internal/texts/fold_case.sql
\ir internal/texts/encode_punycode.sql
\ir internal/texts/domain_ascii.sql
\ir internal/texts/email_key.sql
\ir internal/texts/sort_name.sql
\ir internal/texts/trace_id.sql
\ir internal/texts/trim_text.sql
\ir internal/texts/timestamp_text.sql
\ir internal/texts/lifetime_text.sql
\ir internal/callers/make_request.sql
\ir internal/callers/read_requests.sql
\ir internal/checks/read_items.sql
\ir internal/checks/list_shape_fields.sql
\ir internal/checks/text_errors.sql
\ir internal/checks/texts_errors.sql
\ir internal/checks/shape_errors.sql
\ir internal/checks/array_errors.sql
\ir internal/checks/request_errors.sql
\ir internal/checks/is_plain_invitation.sql
\ir internal/checks/is_well_formed.sql
\ir internal/answers/raise_problem.sql
\ir internal/checks/require_shape.sql
\ir internal/callers/caller_role.sql
\ir internal/callers/caller_actor.sql
\ir internal/callers/require_actor.sql
\ir internal/texts/make_secret.sql
\ir internal/callers/record_audit.sql
\ir internal/answers/succeed.sql
\ir internal/answers/refuse.sql
\ir internal/answers/answer_or_raise.sql
\ir internal/triggers/refuse_change.sql
\ir internal/triggers/take_profile.sql
\ir internal/triggers/spread_profile.sql
\ir internal/triggers/count_members.sql
\ir internal/triggers/skip_row.sql
\ir internal/triggers/revise_groups.sql
\ir internal/callers/require_account.sql
\ir internal/answers/module_settings.sql
\ir internal/callers/authenticate.sql
\ir internal/checks/group_errors.sql
\ir internal/answers/object_members.sql
\ir internal/answers/membership_object.sql
\ir internal/answers/invitation_url.sql
\ir internal/answers/compute_group_members.sql
\ir internal/answers/find_kept_members.sql
\ir internal/answers/build_objects.sql
\ir internal/list/list_fields.sql
\ir internal/list/read_parameters.sql
\ir internal/list/parse_filter.sql
\ir internal/list/compile_filter.sql
\ir internal/answers/prune.sql
\ir internal/answers/select_objects.sql
\ir internal/answers/select_members.sql
\ir internal/list/compile_list.sql
\ir internal/list/check_list_cost.sql
\ir internal/list/list_memberships.sql
\ir internal/list/list_account_users.sql
\ir internal/list/list_users.sql
\ir internal/callers/find_membership_by_path.sql
\ir internal/callers/find_account_user.sql
\ir internal/callers/find_user.sql
\ir internal/change/lock_membership.sql
\ir internal/change/account_is_disabled.sql
\ir internal/delivery/notify_listeners.sql
\ir internal/triggers/record_status_event.sql
\ir internal/change/change_membership.sql
\ir internal/change/close_invitation.sql
\ir internal/answers/show_membership.sql
\ir internal/texts/inviter_name.sql
\ir internal/change/invitation_state.sql
\ir internal/change/show_invitation.sql
\ir internal/change/accept_invitation.sql
\ir internal/change/renew_invitation.sql
\ir internal/change/add_group.sql
\ir internal/change/replace_groups.sql
\ir internal/change/take_group.sql
\ir internal/change/remove_account_user.sql
\ir internal/serve/get_account_users.sql
\ir internal/serve/get_users.sql
\ir internal/serve/perform.sql
\ir internal/ids/next_rehearsal_key.sql
\ir internal/create/plan_invitations.sql
\ir internal/create/apply_limits.sql
\ir internal/create/invite_again.sql
\ir internal/create/show_invited.sql
\ir internal/create/create_account_users.sql
\ir internal/serve/claim_idempotency_key.sql
\ir internal/create/invite_once.sql
\ir internal/create/invite.sql
\ir internal/create/create_account_user.sql
\ir internal/serve/serve_once.sql
\ir internal/serve/serve.sql
\ir internal/serve/rehearse.sql
\ir internal/upkeep/change_settings.sql
\ir internal/delivery/finish_delivery.sql
\ir internal/delivery/claim_delivery.sql
\ir internal/answers/delivery_object.sql
\ir internal/delivery/announce_expiries.sql
\ir internal/delivery/number_events.sql
\ir internal/upkeep/check_memberships.sql
\ir internal/upkeep/check_catalogue.sql
\ir internal/upkeep/repair.sql

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

-- Drops the functions of an earlier release: those that this transaction did not write.
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
