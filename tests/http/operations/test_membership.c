#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "membership.h"

/* A membership, its groups and its end, with both forms of its path. */

TestSuite(membership, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

Test(membership, is_shown_by_both_paths)
{
    struct member *member = member_invite_new(server, account);

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
    member = member_invite_new(server, account);
    accept_now(member);
    for (EACH_FORM(form))
        expect_shown(member, form, "Active");
    member_free(member);
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

Test(membership, adds_and_removes_groups)
{
    char *default_body = group_body(account->default_group), *other_body = group_body(account->other_group);
    char *foreign_body = group_body(other->default_group), *of_default = NULL, *of_other = NULL,
         *foreign = NULL;

    cr_assert_geq(asprintf(&of_default, "/groups/%s", account->default_group), 0);
    cr_assert_geq(asprintf(&of_other, "/groups/%s", account->other_group), 0);
    cr_assert_geq(asprintf(&foreign, "/groups/%s", other->default_group), 0);
    for (EACH_FORM(form)) {
        struct member *member = member_invite_new(server, account);
        struct answer answer = ask("POST", member, form, "/groups", other_body), again;

        cr_expect_eq(answer.status, 200, "%s", answer.text);
        expect_groups(&answer, account->default_group, account->other_group);

        /* Already a group of the membership: nothing changes, not even updated.at. */
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
        struct member *member = member_invite_new(server, account);
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

Test(membership, does_not_change_the_persons_profile)
{
    struct member *member = member_invite_new(server, account);
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
        " from accounts.account_user where key = internal.account_user_key($1)",
        member->id, NULL);
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

Test(membership, may_be_removed_and_invited_again)
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

        /* The person remains, also in other accounts. */
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

Test(membership, is_invited_at_the_path_of_its_account)
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

    for (size_t i = 0; i < COUNT(methods); i++) {
        struct answer answer;

        if (strstr(allowed, methods[i]) != NULL)
            continue;
        answer = request(server, methods[i], path, account->token, NULL, NULL);
        expect_header(&answer, "allow", allowed);
        expect_problem(&answer, 405, NULL);
    }
}

Test(membership, reports_the_allowed_methods_of_a_path)
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
    struct member *member = member_invite_new(server, account);
    char *path = NULL;

    for (EACH_FORM(form)) {
        for (size_t i = 0; i < COUNT(paths); i++) {
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

/* Invalid bodies, and the fields that the answers name. */
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

Test(membership, refuses_a_malformed_body)
{
    struct member *member = member_invite_new(server, account);

    for (EACH_FORM(form)) {
        for (size_t i = 0; i < COUNT(malformed); i++) {
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

Test(membership, accepts_only_json)
{
    struct member *member = member_invite_new(server, account);
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
        /* The last operation exists only for users. */
        for (size_t i = 0; i < (form == PATH_OF_USER ? 4 : 3); i++) {
            char *path = member_path(member, form, requests[i].more);

            /* curl removes a header without a value. */
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
