#include "page.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

char *page_path(const struct member *member)
{
    char *path = NULL;

    cr_assert_geq(asprintf(&path, INVITATIONS "%s/%s", member->id, member->code), 0);
    return path;
}

struct answer page_ask(const char *method, const char *path, const char *languages)
{
    char header[8300];

    snprintf(header, sizeof(header), "Accept-Language: %s", languages != NULL ? languages : "");
    return request(server, method, path, NULL, strcmp(method, "POST") == 0 ? "" : NULL,
        (const char *[]){languages != NULL ? header : NULL, NULL});
}

struct answer page_ask_member(const char *method, const struct member *member, const char *languages)
{
    char *path = page_path(member);
    struct answer answer = page_ask(method, path, languages);

    free(path);
    return answer;
}

void expect_page_headers(const struct answer *answer)
{
    static const char begin[] = "default-src 'none'; style-src 'sha256-",
                      end[] = "='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    char *policy = answer_header(answer, "content-security-policy");

    cr_expect(strncmp(policy, begin, strlen(begin)) == 0 && strlen(policy) > strlen(begin) + strlen(end) &&
                  strcmp(policy + strlen(policy) - strlen(end), end) == 0,
        "%s", policy);
    free(policy);
    expect_header(answer, "cache-control", "no-store");
    expect_header(answer, "referrer-policy", "no-referrer");
    expect_header(answer, "vary", "Accept-Language");
    expect_header(answer, "x-content-type-options", "nosniff");
    expect_header(answer, "x-frame-options", "DENY");
    expect_header(answer, "x-robots-tag", "noindex");
}

void expect_page(struct answer *answer, long status, const char *state)
{
    char body[64];

    snprintf(body, sizeof(body), "<body class=\"%s\">", state);
    cr_expect_eq(answer->status, status, "%ld, not %ld: %s", answer->status, status, answer->text);
    cr_expect_not_null(strstr(answer->text, body), "%s: %s", state, answer->text);
    cr_expect_eq(strncmp(answer->text, "<!doctype html>\n", 16), 0);
    expect_header(answer, "content-type", PAGE_MEDIA_TYPE);
    expect_page_headers(answer);
    answer_free(answer);
}

void expect_state(const struct member *member, long status, const char *state)
{
    struct answer answer = page_ask_member("GET", member, NULL), head = page_ask_member("HEAD", member, NULL);

    cr_expect_eq(head.status, status);
    cr_expect_str_eq(head.text, "");
    expect_page_headers(&head);
    cr_expect_null(strstr(answer.text, member->code), "the code is in the page");
    answer_free(&head);
    expect_page(&answer, status, state);
}

void press(const struct member *member)
{
    char *path = page_path(member), *pressed = NULL;
    struct answer answer;

    cr_assert_geq(asprintf(&pressed, "%s?from=mail", path), 0);
    answer = page_ask("POST", pressed, NULL);
    cr_expect_eq(answer.status, 303, "%ld: %s", answer.status, answer.text);
    cr_expect_str_eq(answer.text, "");
    expect_header(&answer, "location", path);
    expect_header(&answer, "content-type", "");
    expect_page_headers(&answer);
    answer_free(&answer);
    free(pressed);
    free(path);
}

char *page_contents(const struct member *member)
{
    return database_query(pg,
        "select jsonb_build_array(to_jsonb(u), (select jsonb_agg(to_jsonb(i) order by i.key) from "
        "accounts.invitation as i where i.account_user_key = u.key),"
        " (select count(*) from accounts.audit_record as r where r.object_id = $1))"
        " from accounts.account_user as u where u.key = internal.account_user_key($1)",
        member->id, NULL);
}
