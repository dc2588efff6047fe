#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/metric.h"
#include "harness/process.h"
#include "harness/service.h"

/* The log's lines about single requests, found by their trace ids. */

#define REQUEST_TIMEOUT "500"

static void set_up(void)
{
    service_start((const char *[]){"--request-timeout", REQUEST_TIMEOUT, NULL});
}

TestSuite(log, .init = set_up, .fini = service_tear_down, .timeout = 120);

/* The line of an event with a trace id, once it exists; the caller frees it. */
static json_t *await_line(const char *event, const char *trace_id)
{
    for (int i = 0; i < 1000; i++) {
        char *log = server_log(server), *rest = NULL;
        json_t *found = NULL;

        for (char *line = strtok_r(log, "\n", &rest); line != NULL && found == NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            json_t *object = json_loads(line, 0, NULL);
            const char *name = json_string_value(json_object_get(object, "event")),
                       *id = json_string_value(json_object_get(object, "trace_id"));

            if (name != NULL && id != NULL && strcmp(name, event) == 0 && strcmp(id, trace_id) == 0)
                found = json_incref(object);
            json_decref(object);
        }
        free(log);
        if (found != NULL)
            return found;
        sleep_ms(10);
    }
    cr_assert_fail("no %s of %s in the log", event, trace_id);
    return NULL;
}

/* Refused by the handler, by libh2o, and before libh2o because the request is incomplete. */
static const struct {
    const char *name, *head;
    int status;
} refusals[] = {
    {"GET of nothing", "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", 404},
    {"HEAD of nothing", "HEAD /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", 404},
    {"HEAD of a page", "HEAD /invitations/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", 404},
    {"POST of too much", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n", 413},
    {"HEAD of too much", "HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n", 413},
    {"half of a POST", "POST /a HTTP/1.1\r\nHost: a\r\n", 408},
    {"half of a HEAD", "HEAD /a HTTP/1.1\r\nHost: a\r\n", 408},
};

/* bytes: of the body, as it was sent. */
Test(log, has_the_bytes_of_a_refusal)
{
    for (size_t i = 0; i < COUNT(refusals); i++) {
        char trace_id[33], *bytes = NULL, *answer, line[32];
        const char *body;
        json_t *logged;
        bool closed, is_head;

        snprintf(trace_id, sizeof(trace_id), "%032zx", i + 1);
        /* A request that is refused while incomplete lacks its last line. */
        cr_assert_geq(asprintf(&bytes, "%straceparent: 00-%s-00f067aa0ba902b7-01\r\n%s", refusals[i].head,
                          trace_id, refusals[i].status == 408 ? "" : "\r\n"),
            0);
        answer = exchange_raw(server, bytes, strlen(bytes), &closed);
        cr_expect(closed, "%s: the connection stays open", refusals[i].name);
        snprintf(line, sizeof(line), "HTTP/1.1 %d ", refusals[i].status);
        cr_expect_eq(
            strncmp(answer, line, strlen(line)), 0, "%s: not %s: %s", refusals[i].name, line, answer);
        body = strstr(answer, "\r\n\r\n");
        cr_assert_not_null(body, "%s: %s", refusals[i].name, answer);
        body += 4;
        is_head = strncmp(refusals[i].head, "HEAD", 4) == 0;
        cr_expect(is_head == (*body == '\0'), "%s: %s", refusals[i].name, answer);
        logged = await_line("request", trace_id);
        cr_expect_eq(json_integer_value(json_object_get(logged, "status")), refusals[i].status, "%s",
            refusals[i].name);
        cr_expect_eq(json_integer_value(json_object_get(logged, "bytes")), (json_int_t)strlen(body),
            "%s: %lld bytes logged, %zu sent", refusals[i].name,
            json_integer_value(json_object_get(logged, "bytes")), strlen(body));
        json_decref(logged);
        free(answer);
        free(bytes);
    }
}

/* The answer does not say what went wrong; its trace id leads to the line that does. */
Test(log, has_the_reason_of_a_500)
{
    static const char trace_id[] = "4bf92f3577b34da6a3ce929d0e0e4736";
    char *email = new_email(), *poisoned = NULL, *body;
    struct answer answer;
    json_t *logged;

    cr_assert_geq(asprintf(&poisoned, "poison-%s", email), 0);
    body = create_body(poisoned, NULL, NULL);
    answer = request(server, "POST", ACCOUNT_USERS, account->token, body,
        (const char *[]){"Content-Type: application/json",
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL});
    cr_expect_eq(answer.status, 500, "%ld %s", answer.status, answer.text);
    cr_expect_null(strstr(answer.text, "poison"), "%s", answer.text);
    logged = await_line("internal_error", trace_id);
    cr_expect_str_eq(json_string_value(json_object_get(logged, "sqlstate")), "P0001");
    json_decref(logged);
    logged = await_line("request", trace_id);
    cr_expect_eq(json_integer_value(json_object_get(logged, "status")), 500);
    json_decref(logged);
    answer_free(&answer);
    free(body);
    free(poisoned);
    free(email);
}

/* The request is performed, but the client never learns of it, so it is not logged as 201. */
Test(log, has_499_if_the_client_disconnected)
{
    static const char trace_id[] = "5bf92f3577b34da6a3ce929d0e0e4736",
                      series[] = "accountsd_http_requests_total{method=\"POST\",route=\"" ACCOUNT_USERS
                                 "\",status=\"499\"}";
    const struct linger reset = {.l_onoff = 1};
    char *email = new_email(), *body = create_body(email, NULL, NULL), *bytes = NULL;
    json_t *logged;
    int fd = connect_raw(server);

    cr_assert_geq(asprintf(&bytes,
                      "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                      "traceparent: 00-%s-00f067aa0ba902b7-01\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      account->token, trace_id, strlen(body), body),
        0);
    account_lock(pg, account);
    cr_assert_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
    await_waiting(pg, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    free(database_query(pg, "commit", NULL));
    logged = await_line("request", trace_id);
    cr_expect_eq(json_integer_value(json_object_get(logged, "status")), 499);
    json_decref(logged);
    await_metric(server, series, 1);
    free(bytes);
    free(body);
    free(email);
}
