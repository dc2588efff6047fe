#include "membership.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TRACEPARENT "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

struct answer ask(
    const char *method, const struct member *member, enum path_form form, const char *more, const char *body)
{
    char *path = member_path(member, form, more);
    struct answer answer = body != NULL ? request_json(server, method, path, account->token, body)
                                        : request(server, method, path, account->token, NULL, NULL);

    free(path);
    return answer;
}

struct answer accept_at(const char *path, const char *code)
{
    char *body = accept_body(code);
    struct answer answer = request(server, "POST", path, NULL, body,
        (const char *[]){"Content-Type: application/json", TRACEPARENT, NULL});

    free(body);
    return answer;
}

struct answer accept_code(const struct member *member, enum path_form form, const char *code)
{
    char *path = member_path(member, form, "/accept-invite");
    struct answer answer = accept_at(path, code);

    free(path);
    return answer;
}

void expect_status(struct answer *answer, long status)
{
    cr_expect_eq(answer->status, status, "%ld, not %ld: %s", answer->status, status, answer->text);
    answer_free(answer);
}

void expect_problem(struct answer *answer, long status, const char *type)
{
    cr_expect_str_eq(answer_text(answer, "type", NULL), type != NULL ? type : "about:blank");
    expect_header(answer, "content-type", "application/problem+json");
    expect_status(answer, status);
}

void expect_no_content(struct answer *answer)
{
    expect_header(answer, "content-length", "");
    cr_expect_str_eq(answer->text, "");
    expect_status(answer, 204);
}

void accept_now(const struct member *member)
{
    struct answer answer = accept_code(member, PATH_OF_ACCOUNT_USER, member->code);

    expect_status(&answer, 200);
}

void let_expire(const struct member *member)
{
    free(database_query(pg,
        "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
        "interval '8 days' where status = 'Open' and account_user_key = internal.account_user_key($1)",
        member->id, NULL));
}

void expect_invitations(const struct member *member, const char *statuses)
{
    char *found = database_query(pg,
        "select string_agg(status::text || case when (closed_at is null) = (status = 'Open') then '' else ' "
        "without its time' end, ' ' order by key) from accounts.invitation"
        " where account_user_key = internal.account_user_key($1)",
        member->id, NULL);

    cr_expect_str_eq(found, statuses, "%s, not %s", found, statuses);
    free(found);
}

void expect_groups(const struct answer *answer, const char *first, const char *second)
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

void expect_shown(const struct member *member, enum path_form form, const char *status)
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

char *expect_new_code(struct answer *answer, const char *old_code)
{
    char *code = invitation_code(answer->body);

    cr_expect_str_neq(code, old_code);
    cr_expect_str_eq(answer_text(answer, "invitation", "status", NULL), "Invited");
    cr_expect_eq(json_array_size(json_object_get(json_object_get(answer->body, "$meta"), "omitted")), 0);
    expect_status(answer, 200);
    return code;
}
