#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* The life of a membership, under both forms of its path. */

#define UNKNOWN_ACCOUNT_USER "AUSR-0000-0000-0000"
#define TRACEPARENT "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static PGconn *pg;
static struct account *account, *other;
static struct server *server;

static void set_up(void)
{
    char *url = server_database_url(database_url());

    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    other = account_make(pg, "Vendor");
    server = server_start(url, NULL);
    free(url);
}

static void tear_down(void)
{
    server_end(server);
    account_free(account);
    account_free(other);
    PQfinish(pg);
}

TestSuite(membership, .init = set_up, .fini = tear_down, .timeout = 120);

#define EACH_FORM(form)                                                                                      \
    enum path_form form = PATH_OF_ACCOUNT_USER;                                                              \
    (form) < PATH_FORMS;                                                                                     \
    (form)++

static struct member *invite(void)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, account->token, body);

    free(email);
    free(body);
    return member;
}

/* A request of the account on what a path of the member and more name. */
static struct answer ask(
    const char *method, const struct member *member, enum path_form form, const char *more, const char *body)
{
    char *path = member_path(member, form, more);
    struct answer answer = body != NULL ? request_json(server, method, path, account->token, body)
                                        : request(server, method, path, account->token, NULL, NULL);

    free(path);
    return answer;
}

/* Accepts without a token, and with a trace id that is always the same. */
static struct answer accept_at(const char *path, const char *code)
{
    char *body = accept_body(code);
    struct answer answer = request(server, "POST", path, NULL, body,
        (const char *[]){"Content-Type: application/json", TRACEPARENT, NULL});

    free(body);
    return answer;
}

static struct answer accept_code(const struct member *member, enum path_form form, const char *code)
{
    char *path = member_path(member, form, "/accept-invite");
    struct answer answer = accept_at(path, code);

    free(path);
    return answer;
}

static void expect_status(struct answer *answer, long status)
{
    cr_expect_eq(answer->status, status, "%ld, not %ld: %s", answer->status, status, answer->text);
    answer_free(answer);
}

/* type: NULL for a problem that has none of its own. */
static void expect_problem(struct answer *answer, long status, const char *type)
{
    char *media_type = answer_header(answer, "content-type");

    cr_expect_str_eq(answer_text(answer, "type", NULL), type != NULL ? type : "about:blank");
    cr_expect_str_eq(media_type, "application/problem+json");
    free(media_type);
    expect_status(answer, status);
}

/* A 204 has neither body nor Content-Length. */
static void expect_no_content(struct answer *answer)
{
    char *length = answer_header(answer, "content-length");

    cr_expect_str_eq(length, "");
    cr_expect_str_eq(answer->text, "");
    free(length);
    expect_status(answer, 204);
}

static void accept_now(const struct member *member)
{
    struct answer answer = accept_code(member, PATH_OF_ACCOUNT_USER, member->code);

    expect_status(&answer, 200);
}

/* The data's clock goes on by 8 days. */
static void let_expire(const struct member *member)
{
    free(database_query(pg,
        "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
        "interval '8 days' where status = 'Open' and account_user_key = internal.account_user_key($1)",
        member->id, NULL));
}

/* What became of each invitation, oldest first. */
static void expect_invitations(const struct member *member, const char *statuses)
{
    char *found = database_query(pg,
        "select string_agg(status::text || case when (closed_at is null) = (status = 'Open') then '' else ' "
        "without its time' end, ' ' order by key) from accounts.invitation"
        " where account_user_key = internal.account_user_key($1)",
        member->id, NULL);

    cr_expect_str_eq(found, statuses, "%s, not %s", found, statuses);
    free(found);
}

static void expect_groups(const struct answer *answer, const char *first, const char *second)
{
    const json_t *groups = json_object_get(answer->body, "groups");
    size_t index, found = 0;
    json_t *group;

    cr_expect_eq(json_array_size(groups), second != NULL ? 2 : 1, "%s", answer->text);
    json_array_foreach(groups, index, group)
    {
        const char *id = json_string_value(json_object_get(group, "id"));

        if (strcmp(id, first) == 0 || (second != NULL && strcmp(id, second) == 0))
            found++;
    }
    cr_expect_eq(found, second != NULL ? 2 : 1, "not %s and %s: %s", first, second, answer->text);
}

/* Shows a member, demands its invitation's status and that no answer gives the code away. */
static void expect_shown(const struct member *member, enum path_form form, const char *status)
{
    struct answer answer = ask("GET", member, form, "", NULL);
    const json_t *omitted = json_object_get(json_object_get(answer.body, "$meta"), "omitted");

    cr_expect_str_eq(
        answer_text(&answer, "id", NULL), form == PATH_OF_ACCOUNT_USER ? member->id : member->user_id);
    cr_expect_str_eq(answer_text(&answer, "account", "id", NULL), account->id);
    cr_expect_str_eq(answer_text(&answer, "invitation", "status", NULL), status);
    cr_expect_str_eq(answer_text(&answer, "invitation", "url", NULL), "(none)");
    cr_expect_eq(json_array_size(omitted), 1, "%s", answer.text);
    cr_expect_str_eq(json_string_value(json_array_get(omitted, 0)), "invitation.url");
    expect_status(&answer, 200);
}

/* The code of an answer that has a new one. */
static char *expect_new_code(struct answer *answer, const char *old_code)
{
    char *code = invitation_code(answer->body);

    cr_expect_str_neq(code, old_code);
    cr_expect_str_eq(answer_text(answer, "invitation", "status", NULL), "Invited");
    cr_expect_eq(json_array_size(json_object_get(json_object_get(answer->body, "$meta"), "omitted")), 0);
    expect_status(answer, 200);
    return code;
}

Test(membership, is_shown_by_both_paths)
{
    struct member *member = invite();

    for (EACH_FORM(form))
        expect_shown(member, form, "Invited");
    struct answer answer = ask("GET", member, PATH_OF_USER, "", NULL);
    cr_expect_str_eq(answer_text(&answer, "firstName", NULL), "Ann");
    cr_expect_str_eq(answer_text(&answer, "lastName", NULL), "Lee");
    cr_expect_str_eq(answer_text(&answer, "name", NULL), "Ann Lee");
    cr_expect(strchr(answer_text(&answer, "email", NULL), '@') != NULL, "%s", answer.text);
    cr_expect_not_null(json_object_get(answer.body, "phone"));
    cr_expect_not_null(json_object_get(answer.body, "settings"));
    cr_expect_str_eq(answer_text(&answer, "status", NULL), "Invited");
    answer_free(&answer);
    let_expire(member);
    for (EACH_FORM(form))
        expect_shown(member, form, "InvitationExpired");
    member_free(member);
    member = invite();
    accept_now(member);
    for (EACH_FORM(form))
        expect_shown(member, form, "Active");
    member_free(member);
}

Test(membership, is_accepted_by_its_code_alone)
{
    for (EACH_FORM(form)) {
        struct member *member = invite();
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

Test(membership, says_what_is_wrong_with_a_code_and_burns_nothing)
{
    static const char *const wrong[] = {"x", "", " ", "\xc3\xa9", "' or true --", "\\x00", "%25"};

    for (EACH_FORM(form)) {
        struct member *member = invite(), *neighbour = invite();
        struct answer answer;
        char *longer = NULL, *code;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
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

        /* After all that was wrong, what is right still works. */
        neighbour = invite();
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

Test(membership, tells_nobody_without_its_code_whether_it_is_there)
{
    struct member *member = invite(), *removed = invite();
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
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
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

/* How long the open invitation is open from now on, as the setting says. */
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

Test(membership, gets_a_new_code_while_its_invitation_is_open)
{
    for (EACH_FORM(form)) {
        struct member *member = invite();
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

        member = invite();
        let_expire(member);
        answer = ask("POST", member, form, "/resend-invite", NULL);
        cr_expect(strstr(answer_text(&answer, "detail", NULL), "send-new-invite") != NULL, "%s", answer.text);
        expect_problem(&answer, 400, "/problems/invitation-expired");
        expect_invitations(member, "Open");
        member_free(member);
    }
}

Test(membership, gets_a_new_invitation_once_the_last_has_expired)
{
    for (EACH_FORM(form)) {
        struct member *member = invite();
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

Test(membership, of_a_disabled_account_waits)
{
    static const char *const renewals[] = {"/resend-invite", "/send-new-invite"};
    struct account *operations = account_make(pg, "Operations");

    for (EACH_FORM(form)) {
        struct member *open = invite(), *expired = invite();
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
        for (size_t i = 0; i < sizeof(renewals) / sizeof(renewals[0]); i++) {
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

static char *group_body(const char *group)
{
    char *body = NULL;

    cr_assert_geq(asprintf(&body, "{\"id\": \"%s\"}", group), 0);
    return body;
}

static void expect_mistake(struct answer *answer, const char *field, const char *message)
{
    json_t *messages = json_object_get(json_object_get(answer->body, "errors"), field);
    const char *found = json_string_value(json_array_get(messages, 0));

    cr_expect(found != NULL && strcmp(found, message) == 0, "not %s %s: %s", field, message, answer->text);
    cr_expect_eq(json_object_size(json_object_get(answer->body, "errors")), 1, "%s", answer->text);
    expect_problem(answer, 400, NULL);
}

Test(membership, takes_groups_and_gives_them_back)
{
    char *default_body = group_body(account->default_group), *other_body = group_body(account->other_group);
    char *foreign_body = group_body(other->default_group), *of_default = NULL, *of_other = NULL,
         *foreign = NULL;

    cr_assert_geq(asprintf(&of_default, "/groups/%s", account->default_group), 0);
    cr_assert_geq(asprintf(&of_other, "/groups/%s", account->other_group), 0);
    cr_assert_geq(asprintf(&foreign, "/groups/%s", other->default_group), 0);
    for (EACH_FORM(form)) {
        struct member *member = invite();
        struct answer answer = ask("POST", member, form, "/groups", other_body), again;

        cr_expect_eq(answer.status, 200, "%s", answer.text);
        expect_groups(&answer, account->default_group, account->other_group);

        /* There already: nothing changes, not even updated.at. */
        again = ask("POST", member, form, "/groups", other_body);
        cr_expect_str_eq(again.text, answer.text);
        expect_status(&again, 200);
        again = ask("POST", member, form, "/groups", foreign_body);
        expect_mistake(&again, "id", "is not a group of this account");
        again = ask("POST", member, form, "/groups", "{\"id\": \"UGR-0000-0000\"}");
        expect_mistake(&again, "id", "is not a group of this account");
        again = ask("DELETE", member, form, foreign, NULL);
        expect_problem(&again, 404, NULL);
        again = ask("DELETE", member, form, "/groups/UGR-0000-0000", NULL);
        expect_problem(&again, 404, NULL);
        again = ask("GET", member, form, "", NULL);
        cr_expect_str_eq(again.text, answer.text);
        answer_free(&again);
        answer_free(&answer);

        answer = ask("DELETE", member, form, of_default, NULL);
        expect_no_content(&answer);
        answer = ask("DELETE", member, form, of_default, NULL);
        expect_problem(&answer, 404, NULL);
        answer = ask("DELETE", member, form, of_other, NULL);
        expect_problem(&answer, 400, "/problems/last-group");
        answer = ask("GET", member, form, "", NULL);
        expect_groups(&answer, account->other_group, NULL);
        answer_free(&answer);
        answer = ask("POST", member, form, "/groups", default_body);
        expect_groups(&answer, account->default_group, account->other_group);
        expect_status(&answer, 200);
        member_free(member);
    }
    free(default_body);
    free(other_body);
    free(foreign_body);
    free(of_default);
    free(of_other);
    free(foreign);
}

Test(membership, has_its_groups_replaced)
{
    char *one = NULL, *both = NULL, *foreign = NULL;

    cr_assert_geq(asprintf(&one, "[{\"id\": \"%s\"}]", account->other_group), 0);
    cr_assert_geq(
        asprintf(&both, "[{\"id\": \"%s\"}, {\"id\": \"%s\"}]", account->other_group, account->default_group),
        0);
    cr_assert_geq(
        asprintf(&foreign, "[{\"id\": \"%s\"}, {\"id\": \"%s\"}]", account->other_group, other->other_group),
        0);
    for (EACH_FORM(form)) {
        struct member *member = invite();
        struct answer answer = ask("PUT", member, form, "/groups", both), shown;

        expect_groups(&answer, account->default_group, account->other_group);
        expect_status(&answer, 200);
        answer = ask("PUT", member, form, "/groups", foreign);
        expect_mistake(&answer, "[1].id", "is not a group of this account");
        answer = ask("PUT", member, form, "/groups", one);
        cr_expect_eq(answer.status, 200, "%s", answer.text);
        expect_groups(&answer, account->other_group, NULL);
        shown = ask("GET", member, form, "", NULL);
        cr_expect_str_eq(shown.text, answer.text);
        answer_free(&shown);
        answer_free(&answer);
        member_free(member);
    }
    free(one);
    free(both);
    free(foreign);
}

Test(membership, leaves_the_profile_to_the_person)
{
    struct member *member = invite();
    char *body = NULL;
    struct answer answer;

    cr_assert_geq(
        asprintf(&body,
            "{\"groups\": [{\"id\": \"%s\"}], \"user\": {\"email\": \"somebody@else.example\","
            " \"firstName\": \"Some\", \"lastName\": \"Body\", \"phone\": {\"prefix\": \"+1\", \"number\": "
            "\"5\"}, \"settings\": {\"cultureCode\": \"de-DE\"}}}",
            account->other_group),
        0);
    answer = ask("PUT", member, PATH_OF_USER, "", body);
    cr_expect_str_eq(answer_text(&answer, "name", NULL), "Ann Lee");
    cr_expect_str_eq(answer_text(&answer, "firstName", NULL), "Ann");
    cr_expect_str_neq(answer_text(&answer, "email", NULL), "somebody@else.example");
    expect_groups(&answer, account->other_group, NULL);
    expect_status(&answer, 200);
    free(body);
    body = database_query(pg,
        "select first_name || ' ' || last_name || coalesce(phone_prefix, '') || coalesce(culture_code, '')"
        " from accounts.person where key = internal.person_key($1)",
        member->user_id, NULL);
    cr_expect_str_eq(body, "Ann Lee");
    free(body);

    cr_assert_geq(asprintf(&body, "{\"groups\": [{\"id\": \"%s\"}], \"user\": {\"firstName\": \" \"}}",
                      account->default_group),
        0);
    answer = ask("PUT", member, PATH_OF_USER, "", body);
    cr_expect_not_null(json_object_get(json_object_get(answer.body, "errors"), "user.firstName"));
    expect_problem(&answer, 400, NULL);
    free(body);
    cr_assert_geq(asprintf(&body, "{\"groups\": [{\"id\": \"%s\"}]}", other->default_group), 0);
    answer = ask("PUT", member, PATH_OF_USER, "", body);
    expect_mistake(&answer, "groups[0].id", "is not a group of this account");
    free(body);
    answer = ask("GET", member, PATH_OF_USER, "", NULL);
    expect_groups(&answer, account->other_group, NULL);
    answer_free(&answer);
    member_free(member);
}

Test(membership, ends_and_may_begin_again)
{
    for (EACH_FORM(form)) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct member *member = member_invite(server, account->token, body),
                      *elsewhere = member_invite(server, other->token, body), *back;
        char *path = member_path(elsewhere, form, "");
        struct answer before = request(server, "GET", path, other->token, NULL, NULL), after;
        struct answer answer = ask("DELETE", member, form, "", NULL);

        expect_no_content(&answer);
        for (enum path_form gone = PATH_OF_ACCOUNT_USER; gone < PATH_FORMS; gone++) {
            answer = ask("GET", member, gone, "", NULL);
            expect_problem(&answer, 404, NULL);
            answer = ask("DELETE", member, gone, "", NULL);
            expect_problem(&answer, 404, NULL);
            answer = ask("POST", member, gone, "/resend-invite", NULL);
            expect_problem(&answer, 404, NULL);
            answer = ask("POST", member, gone, "/send-new-invite", NULL);
            expect_problem(&answer, 404, NULL);
        }
        expect_invitations(member, "Revoked");

        /* The person stays, and stays elsewhere. */
        cr_expect_str_eq(elsewhere->user_id, member->user_id);
        after = request(server, "GET", path, other->token, NULL, NULL);
        cr_expect_eq(after.status, 200);
        cr_expect_str_eq(after.text, before.text);
        answer_free(&before);
        answer_free(&after);
        expect_invitations(elsewhere, "Open");

        back = member_invite(server, account->token, body);
        cr_expect_str_eq(back->user_id, member->user_id);
        expect_shown(back, form, "Invited");
        expect_invitations(back, "Revoked Open");
        answer = accept_code(back, form, member->code);
        expect_problem(&answer, 400, "/problems/invitation-revoked");
        answer = accept_code(back, form, back->code);
        expect_status(&answer, 200);
        answer = accept_code(elsewhere, form, elsewhere->code);
        expect_status(&answer, 200);
        free(path);
        free(email);
        free(body);
        member_free(member);
        member_free(elsewhere);
        member_free(back);
    }
}

Test(membership, of_an_ended_one_the_code_is_dead)
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

        /* And stays so when the person has come back by another. */
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

Test(membership, keeps_what_became_of_its_invitations)
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

Test(membership, is_invited_at_the_accounts_path_too)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *path = NULL, *location;
    struct answer answer, shown;

    cr_assert_geq(asprintf(&path, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    answer = request_json(server, "POST", path, account->token, body);
    cr_assert_eq(answer.status, 201, "%s", answer.text);
    cr_expect_str_eq(answer_text(&answer, "email", NULL), email);
    cr_expect_str_eq(answer_text(&answer, "account", "id", NULL), account->id);
    cr_expect_str_neq(answer_text(&answer, "invitation", "url", NULL), "(none)");
    location = answer_header(&answer, "location");
    cr_expect_eq(strncmp(location, path, strlen(path)), 0, "%s", location);
    cr_expect_str_eq(location + strlen(path) + 1, answer_text(&answer, "id", NULL));
    shown = request(server, "GET", location, account->token, NULL, NULL);
    cr_expect_str_eq(answer_text(&shown, "id", NULL), answer_text(&answer, "id", NULL));
    expect_status(&shown, 200);
    answer_free(&answer);
    free(location);
    free(path);
    free(email);
    free(body);
}

static void expect_only(const char *path, const char *allowed)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct answer answer;
        char *allow;

        if (strstr(allowed, methods[i]) != NULL)
            continue;
        answer = request(server, methods[i], path, account->token, NULL, NULL);
        allow = answer_header(&answer, "allow");
        cr_expect_str_eq(allow, allowed, "%s %s: %s", methods[i], path, allow);
        free(allow);
        expect_problem(&answer, 405, NULL);
    }
}

Test(membership, says_which_methods_a_path_takes)
{
    static const struct {
        const char *more;
        const char *allow;
    } paths[] = {
        {"/accept-invite", "POST"},
        {"/resend-invite", "POST"},
        {"/send-new-invite", "POST"},
        {"/groups", "POST, PUT"},
        {"/groups/UGR-0000-0000", "DELETE"},
    };
    struct member *member = invite();
    char *path = NULL;

    for (EACH_FORM(form)) {
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            path = member_path(member, form, paths[i].more);
            expect_only(path, paths[i].allow);
            free(path);
        }
        path = member_path(member, form, "");
        expect_only(path, form == PATH_OF_USER ? "GET, HEAD, PUT, DELETE" : "GET, HEAD, DELETE");
        *strrchr(path, '/') = '\0';
        expect_only(path, "GET, HEAD, POST");
        free(path);
    }
    expect_shown(member, PATH_OF_USER, "Invited");
    expect_invitations(member, "Open");
    member_free(member);
}

/* What is wrong with a body, and the field that the answer blames. */
static const struct {
    const char *method;
    const char *more;
    const char *body;
    const char *field;
} malformed[] = {
    {"POST", "/accept-invite", "", "$"},
    {"POST", "/accept-invite", "{\"code\": \"x\"", "$"},
    {"POST", "/accept-invite", "{\"code\": \"x\"} {}", "$"},
    {"POST", "/accept-invite", "{\"code\": \"x\", \"code\": \"x\"}", "$"},
    {"POST", "/accept-invite", "{\"code\": \"\\u0000\"}", "$"},
    {"POST", "/accept-invite", "{\"code\": \"\\ud800\"}", "$"},
    {"POST", "/accept-invite", "{\"code\": \"\xff\"}", "$"},
    {"POST", "/accept-invite", "[\"x\"]", "$"},
    {"POST", "/accept-invite", "\"x\"", "$"},
    {"POST", "/accept-invite", "null", "$"},
    {"POST", "/accept-invite", "{}", "code"},
    {"POST", "/accept-invite", "{\"code\": null}", "code"},
    {"POST", "/accept-invite", "{\"code\": 1}", "code"},
    {"POST", "/accept-invite", "{\"code\": [\"x\"]}", "code"},
    {"POST", "/accept-invite", "{\"code\": \"x\", \"more\": 1}", "more"},
    {"POST", "/groups", "", "$"},
    {"POST", "/groups", "[]", "$"},
    {"POST", "/groups", "{}", "id"},
    {"POST", "/groups", "{\"id\": \"UGR-1\"}", "id"},
    {"POST", "/groups", "{\"id\": \"ugr-0000-0000\"}", "id"},
    {"POST", "/groups", "{\"id\": \"UGR-0000-0000\\n\"}", "id"},
    {"POST", "/groups", "{\"id\": 5}", "id"},
    {"POST", "/groups", "{\"id\": \"UGR-0000-0000\", \"name\": \"x\"}", "name"},
    {"PUT", "/groups", "", "$"},
    {"PUT", "/groups", "{\"id\": \"UGR-0000-0000\"}", "$"},
    {"PUT", "/groups", "null", "$"},
    {"PUT", "/groups", "[]", "$"},
    {"PUT", "/groups", "[null]", "[0]"},
    {"PUT", "/groups", "[\"UGR-0000-0000\"]", "[0]"},
    {"PUT", "/groups", "[{}]", "[0].id"},
    {"PUT", "/groups", "[{\"id\": \"UGR-0000-0000\"}, {\"id\": \"UGR-1\"}]", "[1].id"},
    {"PUT", "/groups", "[{\"id\": \"UGR-0000-0000\"}, {\"id\": \"UGR-0000-0000\"}]", "[1].id"},
    {"PUT", "/groups", "[{\"id\": \"UGR-0000-0000\", \"name\": 1}]", "[0].name"},
    {"PUT", "", "", "$"},
    {"PUT", "", "[]", "$"},
    {"PUT", "", "{}", "groups"},
    {"PUT", "", "{\"groups\": null}", "groups"},
    {"PUT", "", "{\"groups\": []}", "groups"},
    {"PUT", "", "{\"groups\": {}}", "groups"},
    {"PUT", "", "{\"groups\": [{\"id\": \"x\"}]}", "groups[0].id"},
    {"PUT", "", "{\"groups\": [{\"id\": \"UGR-0000-0000\"}], \"user\": []}", "user"},
    {"PUT", "", "{\"groups\": [{\"id\": \"UGR-0000-0000\"}], \"user\": {\"email\": \"x\"}}", "user.email"},
    {"PUT", "", "{\"groups\": [{\"id\": \"UGR-0000-0000\"}], \"user\": {\"age\": 5}}", "user.age"},
    {"PUT", "", "{\"groups\": [{\"id\": \"UGR-0000-0000\"}], \"account\": {}}", "account"},
};

static struct answer ask_with(
    const char *method, const char *path, const char *body, const char *content_type)
{
    return request(server, method, path, account->token, body, (const char *[]){content_type, NULL});
}

Test(membership, knows_a_malformed_body)
{
    struct member *member = invite();

    for (EACH_FORM(form)) {
        for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
            struct answer answer;

            if (form == PATH_OF_ACCOUNT_USER && *malformed[i].more == '\0')
                continue;
            answer = ask(malformed[i].method, member, form, malformed[i].more, malformed[i].body);
            cr_expect_not_null(json_object_get(json_object_get(answer.body, "errors"), malformed[i].field),
                "%s %s: %s", malformed[i].more, malformed[i].body, answer.text);
            expect_problem(&answer, 400, NULL);
        }
    }
    expect_invitations(member, "Open");
    member_free(member);
}

Test(membership, takes_nothing_but_json)
{
    struct member *member = invite();
    char *accept = accept_body(member->code), *group = group_body(account->other_group), *array = NULL,
         *object = NULL;
    struct answer answer;

    cr_assert_geq(asprintf(&array, "[%s]", group), 0);
    cr_assert_geq(asprintf(&object, "{\"groups\": %s}", array), 0);
    const struct {
        const char *method, *more, *body;
    } requests[] = {{"POST", "/accept-invite", accept}, {"POST", "/groups", group}, {"PUT", "/groups", array},
        {"PUT", "", object}};
    for (EACH_FORM(form)) {
        /* The last is a user's alone. */
        for (size_t i = 0; i < (form == PATH_OF_USER ? 4 : 3); i++) {
            char *path = member_path(member, form, requests[i].more);

            /* curl leaves a header out that has no value. */
            answer = ask_with(requests[i].method, path, requests[i].body, "Content-Type:");
            expect_problem(&answer, 415, NULL);
            answer = ask_with(requests[i].method, path, requests[i].body, "Content-Type: text/plain");
            expect_problem(&answer, 415, NULL);
            answer = ask_with(requests[i].method, path, requests[i].body, "Content-Type: application/jsonx");
            expect_problem(&answer, 415, NULL);
            free(path);
        }
        expect_shown(member, form, "Invited");
    }
    answer = ask("GET", member, PATH_OF_USER, "", NULL);
    expect_groups(&answer, account->default_group, NULL);
    answer_free(&answer);
    free(accept);
    free(group);
    free(array);
    free(object);
    member_free(member);
}
