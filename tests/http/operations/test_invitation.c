#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "membership.h"

/* The validity of codes and the states of invitations, with both forms of a membership's path. */

TestSuite(invitation, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

Test(invitation, is_accepted_with_only_its_code)
{
    for (EACH_FORM(form)) {
        struct member *member = member_invite_new(server, account);
        struct answer first = accept_code(member, form, member->code);
        struct answer again = accept_code(member, form, member->code);
        struct answer shown = ask("GET", member, form, "", NULL);

        cr_expect_eq(first.status, 200, "%s", first.text);
        cr_expect_str_eq(answer_text(&first, "invitation", "status", NULL), "Active");
        cr_expect_str_eq(answer_text(&first, "invitation", "url", NULL), "(none)");
        cr_expect_str_neq(answer_text(&first, "audit", "invitationAcceptedAt", NULL), "(none)");
        cr_expect_str_neq(answer_text(&first, "audit", "joined", "at", NULL), "(none)");
        cr_expect_str_eq(answer_text(&first, "audit", "updated", "by", "id", NULL), member->user_id);
        cr_expect_eq(again.status, 200, "%s", again.text);
        cr_expect_str_eq(again.text, first.text);
        cr_expect_str_eq(shown.text, first.text);
        expect_invitations(member, "Accepted");
        answer_free(&first);
        answer_free(&again);
        answer_free(&shown);
        member_free(member);
    }
}

Test(invitation, a_wrong_code_is_explained_and_changes_nothing)
{
    static const char *const wrong[] = {"x", "", " ", "\xc3\xa9", "' or true --", "\\x00", "%25"};

    for (EACH_FORM(form)) {
        struct member *member = member_invite_new(server, account),
                      *neighbour = member_invite_new(server, account);
        struct answer answer;
        char *longer = NULL, *code;

        for (size_t i = 0; i < COUNT(wrong); i++) {
            answer = accept_code(member, form, wrong[i]);
            expect_problem(&answer, 400, "/problems/wrong-code");
        }
        cr_assert_geq(asprintf(&longer, "%sA", member->code), 0);
        answer = accept_code(member, form, longer);
        expect_problem(&answer, 400, "/problems/wrong-code");
        longer[strlen(longer) - 2] = '\0';
        answer = accept_code(member, form, longer);
        expect_problem(&answer, 400, "/problems/wrong-code");
        answer = accept_code(member, form, neighbour->code);
        expect_problem(&answer, 400, "/problems/wrong-code");
        expect_invitations(member, "Open");

        answer = ask("POST", member, form, "/resend-invite", NULL);
        code = expect_new_code(&answer, member->code);
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-superseded");
        let_expire(member);
        answer = accept_code(member, form, code);
        expect_problem(&answer, 400, "/problems/invitation-expired");
        answer = accept_code(member, form, longer);
        expect_problem(&answer, 400, "/problems/wrong-code");
        expect_invitations(member, "Superseded Open");
        expect_shown(member, form, "InvitationExpired");

        answer = ask("DELETE", neighbour, form, "", NULL);
        expect_no_content(&answer);
        answer = accept_code(neighbour, form, neighbour->code);
        expect_problem(&answer, 400, "/problems/invitation-revoked");
        expect_invitations(neighbour, "Revoked");
        member_free(neighbour);

        /* After all the refusals, a valid request still works. */
        neighbour = member_invite_new(server, account);
        answer = accept_code(neighbour, form, longer);
        expect_problem(&answer, 400, "/problems/wrong-code");
        answer = accept_code(neighbour, form, neighbour->code);
        expect_status(&answer, 200);
        answer = accept_code(neighbour, form, longer);
        expect_problem(&answer, 400, "/problems/wrong-code");
        expect_shown(neighbour, form, "Active");
        free(longer);
        free(code);
        member_free(member);
        member_free(neighbour);
    }
}

Test(invitation, is_not_revealed_without_its_code)
{
    struct member *member = member_invite_new(server, account), *removed = member_invite_new(server, account);
    char *of_other = NULL, *of_nobody = NULL, *of_nowhere = NULL;
    struct answer wrong, answer = ask("DELETE", removed, PATH_OF_USER, "", NULL);

    expect_no_content(&answer);
    cr_assert_geq(asprintf(&of_other, "/public/v1/accounts/accounts/%s/users/%s/accept-invite", other->id,
                      member->user_id),
        0);
    cr_assert_geq(asprintf(&of_nobody, "/public/v1/accounts/accounts/%s/users/USR-0000-0000/accept-invite",
                      account->id),
        0);
    cr_assert_geq(asprintf(&of_nowhere, "/public/v1/accounts/accounts/ACC-0000-0000/users/%s/accept-invite",
                      member->user_id),
        0);
    const char *const paths[] = {
        ACCOUNT_USERS "/" UNKNOWN_ACCOUNT_USER "/accept-invite", of_other, of_nobody, of_nowhere};
    wrong = accept_code(member, PATH_OF_ACCOUNT_USER, "wrong");
    cr_expect_str_eq(answer_text(&wrong, "type", NULL), "/problems/wrong-code");
    for (EACH_FORM(form)) {
        answer = accept_code(removed, form, "wrong");
        cr_expect_str_eq(answer.text, wrong.text);
        expect_status(&answer, 400);
    }
    for (size_t i = 0; i < COUNT(paths); i++) {
        answer = accept_at(paths[i], "wrong");
        cr_expect_str_eq(answer.text, wrong.text, "%s: %s", paths[i], answer.text);
        expect_status(&answer, 400);
        answer = accept_at(paths[i], member->code);
        cr_expect_str_eq(answer.text, wrong.text, "%s: %s", paths[i], answer.text);
        expect_status(&answer, 400);
    }
    expect_invitations(member, "Open");
    answer_free(&wrong);
    free(of_other);
    free(of_nobody);
    free(of_nowhere);
    member_free(member);
    member_free(removed);
}

/* The open invitation expires after the configured lifetime from now. */
static void expect_whole_lifetime(const struct member *member)
{
    char *is_whole = database_query(pg,
        "select expires_at - sent_at = invitation_lifetime and sent_at > now() - interval '1 minute'"
        " from accounts.invitation, accounts.settings"
        " where status = 'Open' and account_user_key = internal.account_user_key($1)",
        member->id, NULL);

    cr_expect_str_eq(is_whole, "t");
    free(is_whole);
}

Test(invitation, gets_a_new_code_while_its_invitation_is_open)
{
    for (EACH_FORM(form)) {
        struct member *member = member_invite_new(server, account);
        struct answer answer;
        char *code;

        free(database_query(pg,
            "update accounts.invitation set sent_at = sent_at - interval '6 days', expires_at = expires_at - "
            "interval '6 days' where account_user_key = internal.account_user_key($1)",
            member->id, NULL));
        answer = ask("POST", member, form, "/resend-invite", NULL);
        code = expect_new_code(&answer, member->code);
        expect_whole_lifetime(member);
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-superseded");
        answer = accept_code(member, form, code);
        expect_status(&answer, 200);
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-superseded");
        answer = ask("POST", member, form, "/resend-invite", NULL);
        expect_problem(&answer, 400, "/problems/invitation-accepted");
        expect_invitations(member, "Superseded Accepted");
        free(code);
        member_free(member);

        member = member_invite_new(server, account);
        let_expire(member);
        answer = ask("POST", member, form, "/resend-invite", NULL);
        cr_expect(strstr(answer_text(&answer, "detail", NULL), "send-new-invite") != NULL, "%s", answer.text);
        expect_problem(&answer, 400, "/problems/invitation-expired");
        expect_invitations(member, "Open");
        member_free(member);
    }
}

Test(invitation, gets_a_new_invitation_once_the_last_has_expired)
{
    for (EACH_FORM(form)) {
        struct member *member = member_invite_new(server, account);
        struct answer answer = ask("POST", member, form, "/send-new-invite", NULL);
        char *code;

        expect_problem(&answer, 400, "/problems/invitation-open");
        let_expire(member);
        answer = ask("POST", member, form, "/send-new-invite", NULL);
        code = expect_new_code(&answer, member->code);
        expect_whole_lifetime(member);
        answer = ask("POST", member, form, "/send-new-invite", NULL);
        expect_problem(&answer, 400, "/problems/invitation-open");
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-expired");
        answer = accept_code(member, form, code);
        expect_status(&answer, 200);
        answer = ask("POST", member, form, "/send-new-invite", NULL);
        expect_problem(&answer, 400, "/problems/invitation-accepted");
        expect_invitations(member, "Expired Accepted");
        free(code);
        member_free(member);
    }
}

static void set_account_status(const char *status)
{
    free(database_query(pg,
        "update accounts.account set status = $2::accounts.account_status where key = "
        "internal.account_key($1)",
        account->id, status, NULL));
}

static struct answer renew_as(
    const char *token, const struct member *member, enum path_form form, const char *more)
{
    char *path = member_path(member, form, more);
    struct answer answer = request(server, "POST", path, token, NULL, NULL);

    free(path);
    return answer;
}

static void expect_disabled(struct answer *answer)
{
    cr_expect_str_eq(answer_text(answer, "detail", NULL), "The account is disabled.");
    expect_problem(answer, 409, NULL);
}

Test(invitation, of_a_disabled_account_is_refused_until_enabled)
{
    static const char *const renewals[] = {"/resend-invite", "/send-new-invite"};
    struct account *operations = account_make(pg, "Operations");

    for (EACH_FORM(form)) {
        struct member *open = member_invite_new(server, account),
                      *expired = member_invite_new(server, account);
        struct answer answer, wrong;
        char *code;

        let_expire(expired);
        wrong = accept_code(open, form, "wrong");
        set_account_status("Disabled");
        answer = accept_code(open, form, open->code);
        expect_disabled(&answer);
        answer = accept_code(open, form, "wrong");
        cr_expect_str_eq(answer.text, wrong.text);
        expect_problem(&answer, 400, "/problems/wrong-code");
        answer = accept_code(expired, form, expired->code);
        expect_problem(&answer, 400, "/problems/invitation-expired");
        for (size_t i = 0; i < COUNT(renewals); i++) {
            answer = renew_as(operations->token, open, form, renewals[i]);
            expect_disabled(&answer);
            answer = renew_as(operations->token, expired, form, renewals[i]);
            expect_disabled(&answer);
            answer = renew_as(account->token, open, form, renewals[i]);
            expect_problem(&answer, 403, NULL);
        }
        expect_invitations(open, "Open");
        expect_invitations(expired, "Open");

        set_account_status("Active");
        answer = accept_code(open, form, open->code);
        expect_status(&answer, 200);
        answer = renew_as(operations->token, expired, form, "/send-new-invite");
        code = expect_new_code(&answer, expired->code);
        free(code);
        answer_free(&wrong);
        member_free(open);
        member_free(expired);
    }
    account_free(operations);
}

Test(invitation, code_of_an_ended_membership_is_invalid)
{
    for (EACH_FORM(form)) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct member *member = member_invite(server, account->token, body), *back;
        struct answer answer;

        accept_now(member);
        answer = ask("DELETE", member, form, "", NULL);
        expect_no_content(&answer);
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-revoked");
        answer = ask("GET", member, form, "", NULL);
        expect_problem(&answer, 404, NULL);
        expect_invitations(member, "Accepted");

        /* And it stays so when the person is invited again with another code. */
        back = member_invite(server, account->token, body);
        accept_now(back);
        answer = accept_code(member, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-revoked");
        expect_invitations(member, "Accepted Accepted");
        member_free(member);
        member_free(back);
        free(email);
        free(body);
    }
}

Test(invitation, keeps_the_history_of_statuses)
{
    for (EACH_FORM(form)) {
        char *email = new_email(), *body = create_body(email, NULL, NULL), *code, *outcome;
        struct member *member = member_invite(server, account->token, body), *again;
        struct answer answer = ask("POST", member, form, "/resend-invite", NULL);

        code = expect_new_code(&answer, member->code);
        free(code);
        again = member_invite(server, account->token, body);
        let_expire(member);
        answer = ask("POST", member, form, "/send-new-invite", NULL);
        code = expect_new_code(&answer, again->code);
        expect_invitations(member, "Superseded Superseded Expired Open");
        outcome = database_query(pg,
            "select string_agg((closed_at = expires_at)::text, ' ' order by key) from accounts.invitation"
            " where account_user_key = internal.account_user_key($1)",
            member->id, NULL);
        cr_expect_str_eq(outcome, "false false true", "which had expired when closed: %s", outcome);
        free(outcome);
        answer = accept_code(member, form, code);
        expect_status(&answer, 200);
        answer = ask("DELETE", member, form, "", NULL);
        expect_no_content(&answer);
        member_free(again);
        again = member_invite(server, account->token, body);
        answer = ask("DELETE", member, form, "", NULL);
        expect_no_content(&answer);
        expect_invitations(member, "Superseded Superseded Expired Accepted Revoked");
        outcome = database_query(pg,
            "select string_agg(substr(action, 14), ' ' order by key) from accounts.audit_record where "
            "object_id = $1",
            member->id, NULL);
        cr_expect_str_eq(outcome,
            "invited invitation_resent invited_again invited_anew accepted removed invited_again removed",
            "%s", outcome);
        free(outcome);
        outcome = database_query(pg,
            "select count(*) from accounts.outbox as o join accounts.invitation as i on i.key = "
            "o.invitation_key where i.account_user_key = internal.account_user_key($1)"
            " and o.topic = 'invitation.mail'",
            member->id, NULL);
        cr_expect_str_eq(outcome, "5", "mails: %s", outcome);
        free(outcome);
        free(code);
        free(email);
        free(body);
        member_free(member);
        member_free(again);
    }
}
