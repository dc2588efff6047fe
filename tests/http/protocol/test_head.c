#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/count.h"
#include "harness/service.h"

/* HEAD is GET without the body, for problems too. */

#define TRACEPARENT "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define DOCUMENT "/public/v1/accounts/openapi.json"

static struct member *member;

static void set_up(void)
{
    service_set_up();
    member = member_invite_new(server, account);
}

static void tear_down(void)
{
    member_free(member);
    service_tear_down();
}

TestSuite(head, .init = set_up, .fini = tear_down, .timeout = 120);

/* The lines of a head except those that always differ. */
static char *lines_of(const char *head, size_t len)
{
    static const char *const left_out[] = {"date:", "connection:"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (const char *line = head; line < head + len;) {
        const char *next = strchr(line, '\n') + 1;
        bool is_left_out = false;

        for (size_t i = 0; i < COUNT(left_out); i++)
            is_left_out |= strncasecmp(line, left_out[i], strlen(left_out[i])) == 0;
        if (!is_left_out)
            fwrite(line, 1, (size_t)(next - line), out);
        line = next;
    }
    fclose(out);
    return text;
}

/* Sends HEAD and then GET over one connection. token: NULL for none. */
static void expect_like_get(const char *path, const char *token, int status)
{
    char *authorization = NULL, *bytes = NULL, *answer, *of_head, *of_get, line[64];
    const char *get, *body;

    cr_assert_geq(asprintf(&authorization, "%s%s%s", token != NULL ? "Authorization: Bearer " : "",
                      token != NULL ? token : "", token != NULL ? "\r\n" : ""),
        0);
    cr_assert_geq(asprintf(&bytes,
                      "HEAD %s HTTP/1.1\r\nHost: a\r\n" TRACEPARENT "\r\n%s\r\n"
                      "GET %s HTTP/1.1\r\nHost: a\r\n" TRACEPARENT "\r\n%sConnection: close\r\n\r\n",
                      path, authorization, path, authorization),
        0);
    answer = send_raw(server, bytes, strlen(bytes));
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    cr_expect_eq(strncmp(answer, line, strlen(line)), 0, "%s, not %d: %s", path, status, answer);
    get = strstr(answer, "\r\n\r\n");
    cr_assert_not_null(get, "%s: %s", path, answer);
    get += 4;
    cr_assert_eq(strncmp(get, "HTTP/1.1 ", 9), 0, "%s: no answer to GET follows: %s", path, answer);
    body = strstr(get, "\r\n\r\n");
    cr_assert_not_null(body, "%s: %s", path, answer);
    body += 4;
    of_head = lines_of(answer, (size_t)(get - answer));
    of_get = lines_of(get, (size_t)(body - get));
    cr_expect_str_eq(of_head, of_get, "%s: HEAD\n%sand GET\n%s", path, of_head, of_get);
    snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", strlen(body));
    cr_expect(strstr(of_head, line) != NULL, "%s: not%s%s", path, line, of_head);
    cr_expect_neq(*body, '\0', "%s: GET has no body", path);
    free(of_head);
    free(of_get);
    free(answer);
    free(bytes);
    free(authorization);
}

Test(head, is_answered_like_get)
{
    char *users = NULL;

    cr_assert_geq(asprintf(&users, "/public/v1/accounts/accounts/%s/users", account->id), 0);
    expect_like_get(DOCUMENT, NULL, 200);
    expect_like_get(ACCOUNT_USERS, account->token, 200);
    expect_like_get(ACCOUNT_USERS "?limit=0&select=%2Baudit", account->token, 200);
    expect_like_get(users, account->token, 200);
    for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
        char *path = member_path(member, form, ""), *selected = member_path(member, form, "?select=-groups");

        expect_like_get(path, account->token, 200);
        expect_like_get(selected, account->token, 200);
        free(path);
        free(selected);
    }
    free(users);
}

Test(head, is_refused_like_get)
{
    char *unseen = member_path(member, PATH_OF_USER, "");

    expect_like_get(ACCOUNT_USERS "?nosuch=1", account->token, 400);
    expect_like_get(ACCOUNT_USERS "?limit=x", account->token, 400);
    expect_like_get(ACCOUNT_USERS, NULL, 401);
    expect_like_get(ACCOUNT_USERS, "x", 401);
    expect_like_get(ACCOUNT_USERS, "idt:TKN-0000-0000:abcdefghijklmnopqrstuv", 401);
    expect_like_get(ACCOUNT_USERS "/AUSR-0000-0000-0000", NULL, 401);
    expect_like_get(ACCOUNT_USERS "/AUSR-0000-0000-0000", account->token, 404);
    expect_like_get(unseen, other->token, 404);
    expect_like_get("/nothing", NULL, 404);
    free(database_query(pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)", other->id,
        NULL));
    expect_like_get(ACCOUNT_USERS, other->token, 403);
    free(unseen);
}

Test(head, is_allowed_only_with_get)
{
    static const struct {
        const char *more;
        const char *allow;
    } paths[] = {{"/accept-invite", "POST"}, {"/resend-invite", "POST"}, {"/send-new-invite", "POST"},
        {"/groups", "POST, PUT"}, {"/groups/UGR-0000-0000", "DELETE"}};

    for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
        for (size_t i = 0; i < COUNT(paths); i++) {
            char *path = member_path(member, form, paths[i].more);
            struct answer answer = request(server, "HEAD", path, account->token, NULL, NULL);

            cr_expect_eq(answer.status, 405, "%s: %ld", path, answer.status);
            expect_header(&answer, "allow", paths[i].allow);
            expect_like_get(path, account->token, 405);
            expect_like_get(path, NULL, 405);
            answer_free(&answer);
            free(path);
        }
    }
}
