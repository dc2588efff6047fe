#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/process.h"

/* Clients that send slowly, never or endlessly, and clients that do not read. */

#define HOST "Host: a\r\n"
#define LAST "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
#define REQUEST_TIMEOUT_MS 700

static struct server *server;

static struct server *start(const char *const *arguments)
{
    char *url = server_database_url(database_url());
    struct server *started = server_start(url, arguments);

    free(url);
    return started;
}

static void set_up(void)
{
    server = start((const char *[]){"--request-timeout", "700", "--response-timeout", "1000", NULL});
}

static void tear_down(void)
{
    server_end(server);
}

TestSuite(slow, .init = set_up, .fini = tear_down, .timeout = 120);

static void send_text(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything until the end of the connection; fails if it does not end. The caller frees it. */
static char *read_to_end(int fd, const char *name)
{
    char *text = NULL, buffer[4096];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ssize_t got;

    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        fwrite(buffer, 1, (size_t)got, out);
    fclose(out);
    cr_expect_eq(got, 0, "not closed: %s", name);
    return text;
}

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define TRACEPARENT "00-" TRACE_ID "-00f067aa0ba902b7-01"

Test(slow, an_incomplete_request_gets_408)
{
    static const struct {
        const char *beginning;
        bool is_answered;
    } rows[] = {{"", false}, {"P", true}, {"POST /a HTTP/1.1\r\nHost", true},
        {"HEAD /a HTTP/1.1\r\nHost", true}, {"POST /a HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nx", true},
        {"GET /a HTTP/1.1\r\n" HOST "\r\nGET /a", true},
        {"POST /a HTTP/1.1\r\n" HOST "traceparent: " TRACEPARENT "\r\nContent-Length: 9\r\n\r\nx", true}};
    char *log;

    for (size_t i = 0; i < COUNT(rows); i++) {
        long started = now_ms(), elapsed;
        int fd = connect_raw(server);
        char *answer, *found;
        bool is_head = strncmp(rows[i].beginning, "HEAD ", 5) == 0;

        send_text(fd, rows[i].beginning);
        answer = read_to_end(fd, rows[i].beginning);
        elapsed = now_ms() - started;
        cr_expect_geq(elapsed, REQUEST_TIMEOUT_MS, "%s: after %ld ms", rows[i].beginning, elapsed);
        found = strstr(answer, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n");
        cr_expect_eq(found != NULL, rows[i].is_answered, "%s: %s", rows[i].beginning, answer);
        if (found != NULL) {
            cr_expect_not_null(strstr(found, "application/problem+json"), "%s", answer);
            cr_expect_eq(strstr(found, "\"status\":408") == NULL, is_head, "%s", answer);
            cr_expect(strstr(rows[i].beginning, TRACEPARENT) == NULL || strstr(found, TRACEPARENT) != NULL,
                "%s", answer);
        }
        free(answer);
        close(fd);
    }
    log = server_log(server);
    cr_expect_not_null(strstr(log, TRACE_ID), "%s", log);
    free(log);
}

/* The time of a request starts with the request, not with an idle time or a request before it. */
Test(slow, a_request_has_its_own_timeout)
{
    static const char half[] = "POST /a HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo",
                      other_half_and_half[] = "dyPOST /a HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo";
    /* With more slack than the other tests need. */
    struct server *patient = start((const char *[]){"--request-timeout", "1500", NULL});
    int fd = connect_raw(patient);
    char *answer, *at;

    sleep_ms(900);
    send_text(fd, half);
    for (int i = 0; i < 4; i++) {
        sleep_ms(900);
        send_text(fd, other_half_and_half);
    }
    send_text(fd, "dy" LAST);
    answer = at = read_to_end(fd, "an old connection");
    for (int i = 0; i < 6; i++) {
        at = strstr(at, "HTTP/1.1 404 ");
        cr_assert_not_null(at, "answer %d of 6: %s", i + 1, answer);
        at++;
    }
    free(answer);
    close(fd);
    server_end(patient);
}

/* A 100 is not an answer. */
Test(slow, an_expectation_does_not_extend_the_timeout)
{
    struct server *patient = start((const char *[]){"--request-timeout", "2000", NULL});
    int fd = connect_raw(patient);
    long started = now_ms(), elapsed;
    char *answer;

    send_text(fd, "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n");
    sleep_ms(1500);
    send_text(fd, "\r\nx");
    answer = read_to_end(fd, "an expectation");
    elapsed = now_ms() - started;
    cr_expect_eq(strncmp(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 ", 38), 0, "%s", answer);
    cr_expect(elapsed >= 2000 && elapsed < 3300, "after %ld ms", elapsed);
    free(answer);
    close(fd);
    server_end(patient);
}

/* It is refused by its head, and the body is discarded for a while. */
Test(slow, a_chunked_body_is_refused_in_time)
{
    static const char head[] = "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4;";
    static char extension[1024 * 1024];
    int fd = connect_raw(server);
    long started = now_ms();
    char *log;

    memset(extension, 'a', sizeof(extension));
    send_text(fd, head);
    while (send(fd, extension, sizeof(extension), MSG_NOSIGNAL) > 0)
        cr_assert_lt(now_ms() - started, 20000, "extensions are read for ever");
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"status\":411,"), "%s", log);
    free(log);
    close(fd);
}

/* Requests that are refused before the client has sent everything. */
static const struct {
    const char *head;
    const char *status;
} early_refusals[] = {
    {"POST /a HTTP/1.1\r\n" HOST "Content-Length: 90000000\r\n\r\n", "413"},
    {"POST /a HTTP/1.1\r\n" HOST "Expect: miracles\r\nContent-Length: 4000000\r\n\r\n", "417"},
    {"POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4;", "411"},
    {"POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n", "400"},
    {"POST /a HTTP/1.1\r\nContent-Length: 90000\r\n\r\n", "400"},
    {"GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "404"},
};

#define PIECE 100000UL

static void send_piece(int fd, const char *name)
{
    static char piece[PIECE];

    memset(piece, 'a', PIECE);
    cr_assert_eq(send(fd, piece, PIECE, MSG_NOSIGNAL), (ssize_t)PIECE, "%s: reset", name);
}

/* One response, all of it, is all that comes. */
static void expect_whole_refusal(int fd, const char *status)
{
    char *answer = read_to_end(fd, status), *body = strstr(answer, "\r\n\r\n"), *length;

    cr_expect_eq(strncmp(answer + strlen("HTTP/1.1 "), status, 3), 0, "%s: %s", status, answer);
    cr_assert_not_null(body, "%s: %s", status, answer);
    length = strcasestr(answer, "\r\nContent-Length: ");
    cr_assert_not_null(length, "%s: %s", status, answer);
    cr_expect_eq(strlen(body + 4), strtoul(length + strlen("\r\nContent-Length: "), NULL, 10), "%s: %s",
        status, answer);
    cr_expect_not_null(strstr(body, "\"traceId\":"), "%s", answer);
    free(answer);
}

/* The client continues to send while it gets the answer, and reads when it has sent everything. */
Test(slow, a_client_refused_while_sending_gets_the_whole_answer)
{
    for (size_t i = 0; i < COUNT(early_refusals); i++) {
        int fd = connect_raw(server);
        long started = now_ms();

        send_text(fd, early_refusals[i].head);
        while (now_ms() - started < 2L * REQUEST_TIMEOUT_MS) {
            send_piece(fd, early_refusals[i].status);
            sleep_ms(10);
        }
        expect_whole_refusal(fd, early_refusals[i].status);
        close(fd);
    }
}

/* More than the two kernels buffer, as fast as they take it. */
Test(slow, a_client_refused_while_sending_much_gets_the_whole_answer)
{
    for (size_t i = 0; i < COUNT(early_refusals); i++) {
        for (int round = 0; round < 5; round++) {
            int fd = connect_raw(server);

            setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){256 * 1024}, sizeof(int));
            send_text(fd, early_refusals[i].head);
            for (size_t sent = 0; sent < 40 * PIECE; sent += PIECE)
                send_piece(fd, early_refusals[i].status);
            expect_whole_refusal(fd, early_refusals[i].status);
            close(fd);
        }
    }
}

static int connect_small(void)
{
    int fd = connect_raw(server);

    /* The kernel buffers little; the rest is buffered by the server. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){2048}, sizeof(int));
    return fd;
}

/* Sends requests until the kernel accepts no more. */
static void ask_and_never_read(int fd)
{
    static const char document[] = "GET /public/v1/accounts/openapi.json HTTP/1.1\r\n" HOST "\r\n";
    long started = now_ms();

    while (now_ms() - started < 300) {
        if (send(fd, document, sizeof(document) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            sleep_ms(1);
    }
}

Test(slow, an_unread_response_is_aborted)
{
    int fd = connect_small();
    char byte[1024];
    long started = now_ms(), last = started;

    ask_and_never_read(fd);
    /* Reads a little from time to time, so that the kernel does not close the connection. */
    while (recv(fd, byte, sizeof(byte), 0) > 0 && last - started < 20000) {
        sleep_ms(20);
        last = now_ms();
    }
    cr_expect_lt(last - started, 20000, "a client that hardly reads is served for ever");
    await_logged(server, "\"status\":499,");
    close(fd);
}

static size_t count_documents(void)
{
    char *log = server_log(server);
    size_t count = 0;

    for (const char *at = log; (at = strstr(at, "openapi.json")) != NULL; at++)
        count++;
    free(log);
    return count;
}

/* Requests that a client has sent before it disconnects are not performed. */
Test(slow, requests_of_a_disconnected_client_are_not_processed)
{
    static const char document[] = "GET /public/v1/accounts/openapi.json HTTP/1.1\r\n" HOST "\r\n";
    struct linger reset = {1, 0};
    int fd = connect_small();
    size_t sent = 0, count, before;

    /* Longer on a slow machine. */
    for (long started = now_ms(); now_ms() - started < (sent > 3000 ? 500 : 10000);) {
        if (send(fd, document, sizeof(document) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            sent++;
        else
            sleep_ms(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    count = count_documents();
    do {
        before = count;
        sleep_ms(300);
        count = count_documents();
    } while (count != before);
    /* The two kernels buffer some 50 responses; libh2o had read thousands of requests. */
    cr_expect_gt(sent, 3000, "only %zu were sent", sent);
    cr_expect_lt(count, 500, "%zu of %zu ran", count, sent);
}

Test(slow, connections_are_limited)
{
    struct server *small = start((const char *[]){"--workers", "1", "--max-connections", "2", NULL});
    int first = connect_raw(small), second = connect_raw(small), third = connect_raw(small);
    char *answer;

    send_text(third, LAST);
    cr_expect_eq(
        poll(&(struct pollfd){.fd = third, .events = POLLIN}, 1, 500), 0, "a third connection is served");
    close(first);
    close(second);
    answer = read_to_end(third, "the third connection");
    cr_expect_eq(
        strncmp(answer, "HTTP/1.1 404 ", 13), 0, "not served after the two have disconnected: %s", answer);
    close(third);
    free(answer);
    server_end(small);
}
