#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/metric.h"
#include "harness/process.h"

/* What the telemetry port serves, and for how long. */

static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(url);
}

TestSuite(probes, .init = set_up, .fini = tear_down, .timeout = 120);

Test(probes, the_port_refuses_other_requests)
{
    static const struct {
        const char *bytes;
        const char *answer;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"GET " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 "},
        {"HEAD /ready HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
        {"GET /live?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
        {"GET /live HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /live HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 "},
        {"GET /live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 400 "},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
         "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
            "HTTP/1.1 404 "},
    };
    static const char metrics[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    struct server *server = server_start(url, NULL);
    char *answer;

    await_ready(server, 200, "pass");
    for (size_t i = 0; i < COUNT(cases); i++) {
        answer = telemetry_send_raw(server, cases[i].bytes, strlen(cases[i].bytes));
        cr_expect_eq(
            strncmp(answer, cases[i].answer, strlen(cases[i].answer)), 0, "%s: %s", cases[i].bytes, answer);
        free(answer);
    }
    /* The API does not serve these. */
    answer = send_raw(server, metrics, strlen(metrics));
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s", answer);
    free(answer);
    server_end(server);
}

Test(probes, can_be_switched_off)
{
    struct server *server = server_start(url, (const char *[]){"--telemetry-address", "", NULL});
    struct answer answer = request(server, "GET", "/x", NULL, NULL, NULL);

    cr_expect_eq(server->telemetry_port, 0);
    cr_expect_eq(answer.status, 404);
    answer_free(&answer);
    server_end(server);
}

/* The maximum of connections on the port. */
#define SLOTS 64
#define DEADLINE_MS 2000
/* For a busy machine. */
#define SLACK_MS 5000

/* Each route and status has its own histogram: enough of them to make /metrics larger than the kernel
 * buffers for a client with small segments. */
static void make_series(const struct server *server)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    static const char *const paths[] = {ACCOUNT_USERS, ACCOUNT_USERS "/AUSR-0000-0000-0000",
        ACCOUNT_USERS "/AUSR-0000-0000-0000/groups", ACCOUNT_USERS "/AUSR-0000-0000-0000/resend-invite",
        "/public/v1/accounts/accounts/ACC-0000-0000/users",
        "/public/v1/accounts/accounts/ACC-0000-0000/users/USR-0000-0000"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        for (size_t k = 0; k < COUNT(methods); k++) {
            struct answer answer = request(server, methods[k], paths[i], NULL, NULL, NULL);

            answer_free(&answer);
        }
    }
}

static int open_slow_client(const struct server *server)
{
    static const char bytes[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)server->telemetry_port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){2048}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){88}, sizeof(int));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(send(fd, bytes, sizeof(bytes) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(bytes) - 1);
    return fd;
}

/* The kernel would end them too, but later. */
Test(probes, are_answered_in_time_when_all_slots_are_taken)
{
    struct server *server =
        server_start(url, (const char *[]){"--request-timeout", "2000", "--send-timeout", "600000", NULL});
    int hogs[SLOTS];
    struct answer answer;
    long started, ms;

    make_series(server);
    started = now_us();
    for (size_t i = 0; i < SLOTS; i++)
        hogs[i] = open_slow_client(server);
    answer = telemetry_get(server, "/live");
    ms = (now_us() - started) / 1000;
    cr_expect_eq(answer.status, 200, "%ld", answer.status);
    cr_expect_lt(ms, DEADLINE_MS + SLACK_MS, "after %ld ms", ms);
    cr_expect_gt(ms, DEADLINE_MS / 2, "the slots were not taken: after %ld ms", ms);
    answer_free(&answer);
    for (size_t i = 0; i < SLOTS; i++)
        close(hogs[i]);
    server_end(server);
}

/* Neither further requests nor pipelined ones keep a slot. */
Test(probes, have_one_answer_per_connection)
{
    static const char bytes[] = "GET /live HTTP/1.1\r\nHost: a\r\n\r\n"
                                "GET /live HTTP/1.1\r\nHost: a\r\n\r\n";
    struct server *server = server_start(url, NULL);
    char *answer = telemetry_send_raw(server, bytes, sizeof(bytes) - 1);

    cr_expect_eq(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0, "%s", answer);
    cr_expect_not_null(strstr(answer, "\r\nConnection: close\r\n"), "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1"), "%s", answer);
    free(answer);
    server_end(server);
}
