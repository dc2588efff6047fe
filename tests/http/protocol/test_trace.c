#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "harness/service.h"

/* The traceparent of a request: accepted or generated, and the same in the log, the problem and the audit
 * record. */

TestSuite(trace, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

#define TRACE_ID_LEN 32

/* A unique trace id, and a traceparent with it. */
static void new_trace(char id[TRACE_ID_LEN + 1], char parent[64])
{
    char *made = database_query(pg, "select replace(gen_random_uuid()::text, '-', '')", NULL);

    memcpy(id, made, TRACE_ID_LEN + 1);
    snprintf(parent, 64, "00-%s-b7ad6b7169203331-01", id);
    free(made);
}

/* Waits for a request's line in the log, by its trace id, and expects a status in it. */
static void expect_logged(const char *id, long status)
{
    char wanted[64], wanted_status[32];

    snprintf(wanted, sizeof(wanted), "\"event\":\"request\",\"trace_id\":\"%s\"", id);
    snprintf(wanted_status, sizeof(wanted_status), "\"status\":%ld,", status);
    for (int i = 0; i < 500; i++) {
        char *log = server_log(server), *line = strstr(log, wanted),
             *end = line != NULL ? strchr(line, '\n') : NULL;

        if (end != NULL) {
            *end = '\0';
            cr_expect_not_null(strstr(line, wanted_status), "not %ld: %s", status, line);
            cr_expect_null(strstr(end + 1, wanted), "%s is logged twice", id);
            free(log);
            return;
        }
        free(log);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_expect_fail("the log has no trace id %s", id);
}

/* Searches the log for the traceId of a problem. */
static void expect_logged_whole(const char *parent)
{
    char *log = server_log(server), *found = strstr(log, parent);

    cr_expect(found != NULL, "%s is not in the log: %s", parent, log);
    free(log);
}

static void expect_audited(const char *id, const char *action)
{
    char *records = database_query(pg,
        "select coalesce(string_agg(action, ' '), '') from accounts.audit_record where trace_id = $1", id,
        NULL);

    cr_expect_str_eq(records, action, "records of %s: %s", action, records);
    free(records);
}

static struct answer request_traced(
    const char *method, const char *path, const char *body, const char *token, const char *parent)
{
    char header[96];

    snprintf(header, sizeof(header), "traceparent: %s", parent);
    return request(
        server, method, path, token, body, (const char *[]){"Content-Type: application/json", header, NULL});
}

/* The argument of a change: it ends the path, or is inserted into the body. */
enum argument { ARGUMENT_NONE, ARGUMENT_GROUP, ARGUMENT_CODE };

/* In an order in which each changes something. */
static const struct {
    const char *method;
    const char *path;
    const char *body[2];
    enum argument argument;
    bool must_expire;
    const char *action;
} changes[] = {
    {"POST", "/resend-invite", {NULL}, ARGUMENT_NONE, false, "account_user.invitation_resent"},
    {"POST", "/send-new-invite", {NULL}, ARGUMENT_NONE, true, "account_user.invited_anew"},
    {"POST", "/groups", {"{\"id\":\"", "\"}"}, ARGUMENT_GROUP, false, "account_user.group_added"},
    {"DELETE", "/groups/", {NULL}, ARGUMENT_GROUP, false, "account_user.group_taken"},
    {"PUT", "/groups", {"[{\"id\":\"", "\"}]"}, ARGUMENT_GROUP, false, "account_user.groups_replaced"},
    {"POST", "/accept-invite", {"{\"code\":\"", "\"}"}, ARGUMENT_CODE, false, "account_user.accepted"},
    {"DELETE", "", {NULL}, ARGUMENT_NONE, false, "account_user.removed"},
};

static void let_expire(const struct member *member)
{
    free(database_query(pg,
        "update accounts.invitation set sent_at = sent_at - interval '8 days', expires_at = expires_at - "
        "interval '8 days' where status = 'Open' and account_user_key = internal.account_user_key($1)",
        member->id, NULL));
}

/* Makes one change of a member, and stores a new code. */
static void expect_change_traced(struct member *member, enum path_form form, size_t change)
{
    const char *const arguments[] = {"", account->other_group, member->code};
    const char *argument = arguments[changes[change].argument];
    char id[TRACE_ID_LEN + 1], parent[64], *path, *more = NULL, *body = NULL;
    bool has_body = changes[change].body[0] != NULL;
    struct answer answer;

    cr_assert_geq(asprintf(&more, "%s%s", changes[change].path, has_body ? "" : argument), 0);
    path = member_path(member, form, more);
    if (has_body)
        cr_assert_geq(
            asprintf(&body, "%s%s%s", changes[change].body[0], argument, changes[change].body[1]), 0);
    if (changes[change].must_expire)
        let_expire(member);
    new_trace(id, parent);
    answer = request_traced(changes[change].method, path, body, account->token, parent);
    cr_assert(
        answer.status == 200 || answer.status == 204, "%s %s: %s", changes[change].method, path, answer.text);
    expect_audited(id, changes[change].action);
    expect_logged(id, answer.status);
    expect_header(&answer, "traceparent", parent);
    if (strstr(answer.text, "\"url\"") != NULL) {
        free(member->code);
        member->code = invitation_code(answer.body);
    }
    answer_free(&answer);
    free(body);
    free(path);
    free(more);
}

Test(trace, of_every_change_is_in_its_audit_record)
{
    char id[TRACE_ID_LEN + 1], parent[64];

    for (enum path_form form = 0; form < PATH_FORMS; form++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct answer answer;
        struct member *member;

        for (int again = 0; again < 2; again++) {
            new_trace(id, parent);
            answer = request_traced("POST", ACCOUNT_USERS, body, account->token, parent);
            cr_assert_eq(answer.status, 201, "%s", answer.text);
            expect_audited(id, again ? "account_user.invited_again" : "account_user.invited");
            expect_logged(id, 201);
            if (!again)
                answer_free(&answer);
        }
        member = member_of(answer.body);
        answer_free(&answer);
        for (size_t i = 0; i < COUNT(changes); i++)
            expect_change_traced(member, form, i);
        member_free(member);
        free(body);
        free(email);
    }
}

/* Refused by the check of the head, libh2o, the handler, and the database. %1$s is the traceparent and
 * %2$s a token. */
#define HEAD " HTTP/1.1\r\nHost: a\r\n"
#define TRACED "traceparent: %1$s\r\n"
#define JSON "Content-Type: application/json\r\n"
static const struct {
    const char *bytes;
    long status;
} refused[] = {
    {"GET /a HTTP/1.1\r\n" TRACED "\r\n", 400},
    {"GET /a" HEAD TRACED "X: folded\r\n line\r\n\r\n", 400},
    {"POST /a" HEAD TRACED "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"POST /a" HEAD TRACED "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
    {"POST /a" HEAD TRACED "Content-Length: x\r\n\r\nx", 400},
    {"POST /a" HEAD TRACED "Content-Length: 999999999\r\n\r\nx", 413},
    {"POST /a" HEAD TRACED "Content-Length: 1\r\nExpect: miracles\r\n\r\nx", 417},
    {"GET /a HTTP/2.0\r\n" TRACED "\r\n", 400},
    {"GET /a" HEAD TRACED "X y: z\r\n\r\n", 400},
    {"FETCH /a" HEAD TRACED "\r\n", 501},
    {"GET /a" HEAD TRACED "\r\n", 404},
    {"PUT " ACCOUNT_USERS HEAD TRACED "\r\n", 405},
    {"GET " ACCOUNT_USERS HEAD TRACED "\r\n", 401},
    {"GET " ACCOUNT_USERS HEAD TRACED "Authorization: Bearer %2$sx\r\n\r\n", 401},
    {"GET " ACCOUNT_USERS "?a=b" HEAD TRACED "Authorization: Bearer %2$s\r\n\r\n", 400},
    {"GET " ACCOUNT_USERS "/AUSR-0000-0000-0000" HEAD TRACED "Authorization: Bearer %2$s\r\n\r\n", 404},
    {"POST " ACCOUNT_USERS HEAD TRACED "Authorization: Bearer %2$s\r\nContent-Length: 2\r\n\r\n{}", 415},
    {"POST " ACCOUNT_USERS HEAD TRACED JSON "Authorization: Bearer %2$s\r\nContent-Length: 2\r\n\r\n{}", 400},
};

static char *refused_bytes(size_t i, const char *parent)
{
    char *bytes = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    cr_assert_geq(asprintf(&bytes, refused[i].bytes, parent, account->token), 0);
#pragma GCC diagnostic pop
    return bytes;
}

/* From a response as bytes. */
static void expect_header_line(const char *received, const char *name, const char *value)
{
    char *line = NULL;

    cr_assert_geq(asprintf(&line, "\r\n%s: %s\r\n", name, value), 0);
    cr_expect(strstr(received, line) != NULL, "no%s%s", line, received);
    free(line);
}

/* The traceId of a problem as bytes, which has the status. */
static char *trace_of(const char *received, long status)
{
    const char *body = strstr(received, "\r\n\r\n");
    json_t *problem = body != NULL ? json_loads(body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *trace = json_string_value(json_object_get(problem, "traceId"));
    char *copy = trace != NULL ? strdup(trace) : strdup("");

    cr_expect_eq(
        json_integer_value(json_object_get(problem, "status")), status, "not %ld: %s", status, received);
    expect_header_line(received, "traceparent", trace);
    cr_expect_not_null(strstr(received, "\r\nDate: "), "%s", received);
    cr_expect_not_null(strstr(received, "\r\nServer: accountsd\r\n"), "%s", received);
    json_decref(problem);
    return copy;
}

Test(trace, of_every_refusal_is_the_requests)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        char id[TRACE_ID_LEN + 1], parent[64], *bytes, *received, *trace;

        new_trace(id, parent);
        bytes = refused_bytes(i, parent);
        received = send_raw(server, bytes, strlen(bytes));
        trace = trace_of(received, refused[i].status);
        cr_expect_str_eq(trace, parent, "%s\nis traced as %s", bytes, trace);
        expect_logged(id, refused[i].status);
        expect_logged_whole(trace);
        free(trace);
        free(received);
        free(bytes);
    }
}

/* Malformed, missing, and two, of which neither is trusted. */
Test(trace, of_every_refusal_is_generated_if_there_is_no_valid_one)
{
    static const char *const sent[] = {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
        "traceparent: 00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};

    for (size_t i = 0; i < COUNT(refused); i++) {
        char *bytes = refused_bytes(i, sent[i % 2]), *received = send_raw(server, bytes, strlen(bytes)),
             *trace = trace_of(received, refused[i].status);

        cr_expect_eq(
            strlen(trace), strlen("00-") + TRACE_ID_LEN + strlen("-b7ad6b7169203331-01"), "%s", trace);
        cr_expect_null(strstr(trace, "af7651916cd43dd8448eb211c80319c"), "%s\nis traced as %s", bytes, trace);
        expect_logged_whole(trace);
        trace[3 + TRACE_ID_LEN] = '\0';
        expect_logged(trace + 3, refused[i].status);
        free(trace);
        free(received);
        free(bytes);
    }
}

/* Answers that are not problems. */
Test(trace, is_in_every_answer)
{
    static const char *const paths[] = {"/public/v1/accounts/openapi.json", ACCOUNT_USERS, "/invitations/x",
        "/invitations/AUSR-0000-0000-0000/x", "/problems/wrong-code"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        char id[TRACE_ID_LEN + 1], parent[64];
        struct answer answer;

        new_trace(id, parent);
        answer = request_traced("GET", paths[i], NULL, account->token, parent);
        expect_header(&answer, "traceparent", parent);
        expect_logged(id, answer.status);
        answer_free(&answer);
        answer = request(server, "GET", paths[i], account->token, NULL, NULL);
        char *made = answer_header(&answer, "traceparent");
        cr_expect_eq(strlen(made), strlen(parent), "%s: %s", paths[i], made);
        free(made);
        answer_free(&answer);
    }
}
