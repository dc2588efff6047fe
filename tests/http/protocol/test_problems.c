#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "harness/service.h"
#include "http/problem.h"

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define TRACEPARENT "00-" TRACE_ID "-b7ad6b7169203331-01"

TestSuite(problems, .init = service_set_up, .fini = service_tear_down, .timeout = 120);

/* Expects a status and the form of a problem. */
static void assert_problem(struct answer *answer, long status)
{
    cr_assert_eq(answer->status, status, "%ld instead of %ld: %s", answer->status, status, answer->text);
    expect_header(answer, "content-type", "application/problem+json");
    expect_header(answer, "cache-control", "no-store");
    cr_expect_eq(json_integer_value(json_object_get(answer->body, "status")), status);
    cr_expect_str_eq(answer_text(answer, "type", NULL), "about:blank");
    cr_expect_str_neq(answer_text(answer, "title", NULL), "(none)");
    cr_expect_str_neq(answer_text(answer, "detail", NULL), "(none)");
    cr_expect_eq(strlen(answer_text(answer, "traceId", NULL)), strlen(TRACEPARENT));
}

static void assert_status(const char *method, const char *path, const char *token, const char *body,
    const char *header, long status)
{
    struct answer answer = request(server, method, path, token, body, (const char *[]){header, NULL});

    assert_problem(&answer, status);
    answer_free(&answer);
}

/* The log once it has the lines of this many requests; a line is written when its response has been sent. */
static char *await_log(int requests)
{
    for (int i = 0; i < 500; i++) {
        char *log = server_log(server), *at = log;
        int found = 0;

        for (; (at = strstr(at, "\"event\":\"request\"")) != NULL; at++)
            found++;
        if (found >= requests)
            return log;
        free(log);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_assert_fail("a request has no line in the log");
    return NULL;
}

#define JSON "Content-Type: application/json"

Test(problems, unknown_paths_and_methods)
{
    struct answer answer;

    assert_status("GET", "/", account->token, NULL, JSON, 404);
    assert_status("POST", ACCOUNT_USERS "/", account->token, "{}", JSON, 404);
    assert_status("POST", "/public/v1/accounts/../accounts/account-users", account->token, "{}", JSON, 404);
    assert_status("POST", "/public/v1/accounts%2Faccount-users", account->token, "{}", JSON, 404);
    assert_status("POST", ACCOUNT_USERS "%00", account->token, "{}", JSON, 404);
    answer = request(server, "PATCH", ACCOUNT_USERS, NULL, "{}", NULL);
    assert_problem(&answer, 405);
    expect_header(&answer, "allow", "GET, HEAD, POST");
    answer_free(&answer);
    assert_status("PROPFIND", ACCOUNT_USERS, account->token, NULL, JSON, 501);
    assert_status("post", "/nothing", account->token, "{}", JSON, 501);
}

/* The page that a problem's type refers to. */
Test(problems, types_have_a_description)
{
    for (size_t i = 0; i < problem_type_count(); i++) {
        const struct problem_type *type = problem_type_at(i);
        char path[64];
        struct answer answer;

        snprintf(path, sizeof(path), PROBLEM_TYPES "%s", type->name);
        answer = request(server, "GET", path, NULL, NULL, NULL);
        cr_expect_eq(answer.status, 200, "%s: %ld", path, answer.status);
        expect_header(&answer, "content-type", "text/plain; charset=utf-8");
        cr_expect_eq(strncmp(answer.text, type->title, strlen(type->title)), 0, "%s", answer.text);
        cr_expect_not_null(strstr(answer.text, type->text), "%s", answer.text);
        answer_free(&answer);
        answer = request(server, "HEAD", path, NULL, NULL, NULL);
        cr_expect_eq(answer.status, 200, "HEAD %s: %ld", path, answer.status);
        answer_free(&answer);
        answer = request(server, "DELETE", path, NULL, NULL, NULL);
        assert_problem(&answer, 405);
        expect_header(&answer, "allow", "GET, HEAD");
        answer_free(&answer);
    }
    assert_status("GET", PROBLEM_TYPES "no-such-type", NULL, NULL, JSON, 404);
    assert_status("GET", PROBLEM_TYPES, NULL, NULL, JSON, 404);
}

/* RFC 6750, section 3. */
#define CHALLENGE "Bearer realm=\"accountsd\""
#define REFUSAL                                                                                              \
    CHALLENGE                                                                                                \
    ", error=\"invalid_token\", error_description=\"The token is malformed, unknown or disabled\""

Test(problems, authentication_errors)
{
    static const struct {
        const char *header;
        const char *challenge;
    } rows[] = {{"X-Nothing: x", CHALLENGE}, {"Authorization: Basic YTpi", CHALLENGE},
        {"Authorization: Bearer", CHALLENGE}, {"Authorization: Bearer x", REFUSAL},
        {"Authorization: bearer idt:TKN-0000-0000:abcdefghijklmnopqrstuv", REFUSAL}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer =
            request(server, "GET", ACCOUNT_USERS, NULL, NULL, (const char *[]){rows[i].header, NULL});

        assert_problem(&answer, 401);
        expect_header(&answer, "www-authenticate", rows[i].challenge);
        answer_free(&answer);
    }
    free(database_query(pg,
        "update accounts.account set status = 'Disabled' where key = internal.account_key($1)", account->id,
        NULL));
    struct answer answer = request(server, "GET", ACCOUNT_USERS, account->token, NULL, NULL);
    assert_problem(&answer, 403);
    expect_header(&answer, "www-authenticate", "");
    answer_free(&answer);
}

Test(problems, tokens)
{
    static const char *const tokens[] = {"x", "idt:TKN-0000-0000:abcdefghijklmnopqrstuv", "idt:TKN-0000-0000",
        "idt:TKN-0000-0000:' or 1=1 --"};
    char *wrong = strdup(account->token);

    wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == 'A' ? 'B' : 'A';
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    assert_status("POST", ACCOUNT_USERS, NULL, body, JSON, 401);
    assert_status("POST", ACCOUNT_USERS, wrong, body, JSON, 401);
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct answer answer = post(server, tokens[i], body);

        assert_problem(&answer, 401);
        expect_header(&answer, "www-authenticate", REFUSAL);
        answer_free(&answer);
    }
    free(body);
    free(email);
    free(wrong);
}

Test(problems, media_types)
{
    static const char *const refused[] = {"Content-Type: text/plain", "Content-Type: application/jsonx",
        "Content-Type: application/x+json/y", "Content-Type: application/+json",
        "Content-Type: multipart/form-data",
        "Content-Type:", "Content-Type: application/json; charset=iso-8859-1",
        "Content-Type: application/json;CHARSET=\"utf-16\"",
        "Content-Type: application/json; a=\"; charset=utf-8\"; charset=x",
        "Content-Type: application/json; charset=utf-8; charset=latin1",
        "Content-Type: application/json; charset=", "Content-Type: application/vnd.a+json; charset=us-ascii",
        "Content-Type: application/json; charset=utf8"};
    static const char *const taken[] = {"Content-Type: application/json; charset=utf-8",
        "Content-Type: Application/JSON", "Content-Type: application/merge-patch+json",
        "Content-Type: application/json;charset=\"UTF-8\"",
        "Content-Type: application/json ; charset=Utf-8 ; a=b",
        "Content-Type: application/json; a=\"; charset=x\"", "Content-Type: application/json; mycharset=x",
        "Content-Type: application/json;"};

    for (size_t i = 0; i < COUNT(refused); i++)
        assert_status("POST", ACCOUNT_USERS, account->token, "{}", refused[i], 415);
    for (size_t i = 0; i < COUNT(taken); i++)
        assert_status("POST", ACCOUNT_USERS, account->token, "{}", taken[i], 400);

    struct answer answer = request(server, "POST", ACCOUNT_USERS, account->token, "{}",
        (const char *[]){JSON, "Content-Encoding: gzip", NULL});
    assert_problem(&answer, 415);
    answer_free(&answer);
}

/* RFC 9110, section 5.5: of each field in turn. */
Test(problems, trailing_white_space_is_not_part_of_a_value)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *authorization = NULL, *answer;

    cr_assert_geq(asprintf(&authorization, "Authorization: Bearer %s", account->token), 0);
    const char *const fields[] = {authorization, "Content-Type: application/json",
        "Content-Encoding: identity", "Idempotency-Key: key", "Prefer: tx=rollback", "Connection: close"};
    const size_t count = COUNT(fields);

    for (size_t spaced = 0; spaced < count; spaced++) {
        char *bytes = NULL;
        size_t len;
        FILE *out = open_memstream(&bytes, &len);

        fputs("POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\n", out);
        for (size_t i = 0; i < count; i++)
            fprintf(out, "%s%s\r\n", fields[i], i == spaced ? " \t " : "");
        fprintf(out, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
        fclose(out);
        answer = send_raw(server, bytes, len);
        cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s: %s", bytes, answer);
        cr_expect_not_null(strstr(answer, "preference-applied: tx=rollback"), "%s: %s", bytes, answer);
        free(answer);
        free(bytes);
    }
    static const char traced[] =
        "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\ntraceparent: " TRACEPARENT " \t \r\n\r\n";
    answer = send_raw(server, traced, sizeof(traced) - 1);
    cr_expect_not_null(strstr(answer, "\"traceId\":\"" TRACEPARENT "\""), "%s", answer);
    free(answer);
    free(authorization);
    free(body);
    free(email);
}

Test(problems, sizes)
{
    const size_t large = 3L * 1024 * 1024;
    char *body = malloc(large + 1);

    memset(body, ' ', large);
    body[65536] = '\0';
    assert_status("POST", ACCOUNT_USERS, account->token, body, JSON, 400);
    body[65536] = ' ';
    body[65537] = '\0';
    assert_status("POST", ACCOUNT_USERS, account->token, body, JSON, 413);
    body[65537] = ' ';
    body[large] = '\0';
    assert_status("POST", ACCOUNT_USERS, account->token, body, JSON, 413);

    char *header = malloc(20000);
    memset(header, 'a', 19999);
    memcpy(header, "X-Long: ", 8);
    header[19999] = '\0';
    assert_status("POST", ACCOUNT_USERS, account->token, "{}", header, 431);
    free(header);
    free(body);
}

/* RFC 9112, section 6.3: without Content-Length and Transfer-Encoding there is no body. */
Test(problems, a_missing_body_is_empty)
{
    static const char *const lengths[] = {"", "Content-Length: 0\r\n"};

    for (size_t i = 0; i < COUNT(lengths); i++) {
        char *bytes = NULL, *answer;

        cr_assert_geq(asprintf(&bytes,
                          "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n" JSON
                          "\r\nConnection: close\r\n%s\r\n",
                          account->token, lengths[i]),
            0);
        answer = send_raw(server, bytes, strlen(bytes));
        cr_expect_eq(strncmp(answer, "HTTP/1.1 400 ", 13), 0, "%s", answer);
        cr_expect_not_null(strstr(answer, "{\"$\":[\"is not JSON (line 1, column 0)\"]}"), "%s", answer);
        free(answer);
        free(bytes);
    }
}

Test(problems, unknown_query_parameters)
{
    assert_status("POST", ACCOUNT_USERS "?nosuch=1", account->token, "{}", JSON, 400);
}

Test(problems, report_all_mistakes_of_a_body)
{
    struct answer answer = post(server, account->token,
        "{\"user\":{\"email\":\"nobody\",\"firstName\":\"\",\"phone\":{\"prefix\":\"49\"}},\"x\":1,"
        "\"groups\":[]}");
    json_t *errors = json_object_get(answer.body, "errors");

    assert_problem(&answer, 400);
    cr_expect_eq(json_object_size(errors), 6, "%s", answer.text);
    cr_expect_str_eq(
        json_string_value(json_array_get(json_object_get(errors, "user.lastName"), 0)), "is required");
    answer_free(&answer);
}

Test(problems, have_the_trace_of_the_request)
{
    struct answer answer =
        request(server, "GET", "/nothing", NULL, NULL, (const char *[]){"traceparent: " TRACEPARENT, NULL});
    struct answer malformed =
        request(server, "GET", "/nothing", NULL, NULL, (const char *[]){"traceparent: 00-\"-x", NULL});
    char *log;

    cr_expect_str_eq(answer_text(&answer, "traceId", NULL), TRACEPARENT);
    assert_problem(&malformed, 404);
    answer_free(&answer);
    answer_free(&malformed);
    log = await_log(2);
    cr_expect(strstr(log, "\"trace_id\":\"" TRACE_ID "\"") != NULL, "%s", log);
    free(log);
}

Test(problems, the_audit_record_has_the_trace)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *record;
    struct answer answer = request(server, "POST", ACCOUNT_USERS, account->token, body,
        (const char *[]){JSON, "traceparent: " TRACEPARENT, NULL});

    cr_assert_eq(answer.status, 201, "%s", answer.text);
    record = database_query(pg,
        "select concat_ws(' ', action, actor ->> 'id', database_role, trace_id) from accounts.audit_record"
        " where object_id = $1",
        answer_text(&answer, "id", NULL), NULL);
    char *expected = NULL;
    cr_assert_geq(
        asprintf(&expected, "account_user.invited %s accountsd_server " TRACE_ID, account->token_id), 0);
    cr_expect_str_eq(record, expected);
    free(expected);
    answer_free(&answer);
    free(record);
    free(body);
    free(email);
}

Test(problems, the_log_has_the_method_that_was_sent)
{
    struct answer answer = request(server, "HEAD", ACCOUNT_USERS, account->token, NULL, NULL);
    char *log;

    cr_expect_eq(answer.status, 200);
    log = await_log(1);
    cr_expect(strstr(log, "\"method\":\"HEAD\",\"route\":\"" ACCOUNT_USERS "\"") != NULL, "%s", log);
    answer_free(&answer);
    free(log);
}

/* Every line of the log is JSON, each request has one, and none contains a secret. */
Test(problems, the_log_is_json_and_keeps_secrets)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *log, *rest = NULL;
    struct answer answer = post(server, account->token, body);
    const char *code = strrchr(answer_text(&answer, "invitation", "url", NULL), '/');
    int requests = 0;

    cr_assert_eq(answer.status, 201);
    assert_status("POST", ACCOUNT_USERS "?code=abc", account->token, body, JSON, 400);
    assert_status("GET", "/x/y", "idt:TKN-0000-0000:abcdefghijklmnopqrstuv", NULL, JSON, 404);
    log = await_log(3);
    cr_expect_null(strstr(log, email));
    cr_expect_null(strstr(log, code + 1));
    cr_expect_null(strstr(log, strrchr(account->token, ':') + 1));
    cr_expect_null(strstr(log, "code=abc"));
    cr_expect_null(strstr(log, "Ann"));
    for (char *line = strtok_r(log, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        static const char *const members[] = {
            "time", "trace_id", "method", "route", "status", "duration_ms", "bytes", "token"};

        cr_assert_not_null(object, "not JSON: %s", line);
        if (strcmp(json_string_value(json_object_get(object, "event")), "request") == 0) {
            requests++;
            for (size_t i = 0; i < COUNT(members); i++)
                cr_expect_not_null(json_object_get(object, members[i]), "%s in %s", members[i], line);
        }
        json_decref(object);
    }
    cr_expect_eq(requests, 3);
    answer_free(&answer);
    free(log);
    free(body);
    free(email);
}
