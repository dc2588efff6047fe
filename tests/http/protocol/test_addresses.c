#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/cluster.h"
#include "harness/fixture.h"
#include "harness/metric.h"
#include "harness/process.h"

/* The share of the server that one client address may use. */

#define REQUEST "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define LOOPBACK "127.0.0.1"
#define OTHER "127.0.0.2"

static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(url);
}

TestSuite(addresses, .init = set_up, .fini = tear_down, .timeout = 120);

/* A connection from an address; its reads time out after five seconds. */
static int connect_from(const struct server *server, const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    struct timeval silence = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    from.sin_addr.s_addr = inet_addr(address);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
    cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static bool is_served(int fd)
{
    char answer[4096] = "";

    return send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) > 0 &&
           recv(fd, answer, sizeof(answer) - 1, 0) > 0 && strncmp(answer, "HTTP/1.1 404 ", 13) == 0;
}

#define ALLOWED 4
#define TRIED 12

Test(addresses, have_a_limit_of_connections)
{
    struct server *server = server_start(url, (const char *[]){"--max-connections-per-address", "4", NULL});
    int fds[TRIED], other, again;
    size_t served = 0;

    for (size_t i = 0; i < TRIED; i++)
        fds[i] = connect_from(server, LOOPBACK);
    for (size_t i = 0; i < TRIED; i++)
        served += is_served(fds[i]);
    cr_expect_eq(served, ALLOWED, "%zu of %d are served", served, TRIED);
    await_metric(server, "accountsd_client_connections_refused_total", TRIED - ALLOWED);
    other = connect_from(server, OTHER);
    cr_expect(is_served(other));
    for (size_t i = 0; i < TRIED; i++)
        close(fds[i]);
    /* Until the server has noticed. */
    for (int i = 0;; i++) {
        again = connect_from(server, LOOPBACK);
        if (is_served(again))
            break;
        close(again);
        cr_assert_lt(i, 500, "none is served after all have disconnected");
        sleep_ms(10);
    }
    close(again);
    close(other);
    server_end(server);
}

Test(addresses, have_no_limit_by_default)
{
    struct server *server = server_start(url, NULL);
    int fds[TRIED];

    for (size_t i = 0; i < TRIED; i++)
        fds[i] = connect_from(server, LOOPBACK);
    for (size_t i = 0; i < TRIED; i++) {
        cr_expect(is_served(fds[i]), "%zu", i);
        close(fds[i]);
    }
    server_end(server);
}

static void expect_status(int fd, const char *status, const char *more)
{
    char answer[8192] = "";

    cr_assert_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0, "no answer");
    cr_expect_eq(strncmp(answer + strlen("HTTP/1.1 "), status, 3), 0, "%s", answer);
    cr_expect_not_null(strstr(answer, more), "no %s: %s", more, answer);
}

#define IN_FLIGHT 2
#define ASKED 6

/* Two requests wait for a lock; all others from the address are answered with 503, on connections that stay
 * open. */
Test(addresses, have_a_limit_of_requests_in_flight)
{
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server =
        server_start(url, (const char *[]){"--max-requests-per-address", "2", "--set-size", "1", NULL});
    int fds[ASKED], other = connect_from(server, OTHER);

    account_lock(pg, account);
    for (size_t i = 0; i < ASKED; i++) {
        char *text = create_request(account, NULL);

        fds[i] = connect_from(server, LOOPBACK);
        cr_assert_eq(send(fds[i], text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
        free(text);
        if (i + 1 == IN_FLIGHT)
            await_waiting(pg, 2);
        if (i >= IN_FLIGHT)
            expect_status(fds[i], "503", "\r\nretry-after: 1\r\n");
    }
    cr_expect(is_served(other));
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < IN_FLIGHT; i++)
        expect_status(fds[i], "201", "");
    for (size_t i = 0; i < ASKED; i++) {
        cr_expect(is_served(fds[i]), "%zu", i);
        close(fds[i]);
    }
    close(other);
    server_end(server);
    account_free(account);
    PQfinish(pg);
}
