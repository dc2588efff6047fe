#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/process.h"

/* Clients that pipeline many requests, and other clients. */

#define HOST "Host: a\r\n"
#define CHEAP "GET /a HTTP/1.1\r\n" HOST "\r\n"
#define LAST "DELETE /a HTTP/1.1\r\n" HOST "\r\n"
#define REQUESTS 3000
#define PIPELINERS 4
/* The share of each client's requests that may be answered before it is the next one's turn. */
#define SHARE 2UL

static struct server *server;

static void set_up(void)
{
    char *url = server_database_url(database_url());

    server = server_start(url, (const char *[]){"--workers", "1", NULL});
    free(url);
}

static void tear_down(void)
{
    server_end(server);
}

TestSuite(pipeline, .init = set_up, .fini = tear_down, .timeout = 120);

/* A connection that the worker has accepted. */
static int open_client(void)
{
    char answer[4096];
    int fd = connect_raw(server);

    cr_assert_eq(send(fd, CHEAP, sizeof(CHEAP) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(CHEAP) - 1);
    cr_assert_gt(recv(fd, answer, sizeof(answer), 0), 0);
    return fd;
}

static void send_pipeline(int fd)
{
    static char bytes[REQUESTS * (sizeof(CHEAP) - 1)];

    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(&bytes[i * (sizeof(CHEAP) - 1)], CHEAP, sizeof(CHEAP) - 1);
    cr_assert_eq(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)sizeof(bytes));
}

/* The number of requests in the log before the first with a method, once that is logged. */
static size_t count_before(const char *method)
{
    char *log = server_log(server), member[32];
    const char *end;
    size_t count = 0;

    snprintf(member, sizeof(member), "\"method\":\"%s\"", method);
    for (int i = 0; (end = strstr(log, member)) == NULL && i < 500; i++) {
        sleep_ms(10);
        free(log);
        log = server_log(server);
    }
    cr_assert_not_null(end, "no %s is logged", method);
    for (const char *at = log; (at = strstr(at, "\"event\":\"request\"")) != NULL && at < end; at++)
        count++;
    free(log);
    return count;
}

/* All send while the server is stopped. Whichever it reads first, a pipeline precedes the single request. */
Test(pipeline, others_are_served_between_pipelined_requests)
{
    int fds[PIPELINERS], other;
    char answer[4096];
    size_t before;

    for (size_t i = 0; i < PIPELINERS; i++)
        fds[i] = open_client();
    other = open_client();
    kill(server->pid, SIGSTOP);
    cr_assert_eq(waitpid(server->pid, NULL, WUNTRACED), server->pid);
    for (size_t i = 0; i < PIPELINERS; i++) {
        if (i == PIPELINERS / 2)
            cr_assert_eq(send(other, LAST, sizeof(LAST) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(LAST) - 1);
        send_pipeline(fds[i]);
    }
    kill(server->pid, SIGCONT);
    cr_assert_gt(recv(other, answer, sizeof(answer), 0), 0);
    before = count_before("DELETE") - PIPELINERS - 1;
    cr_expect_leq(before, SHARE * PIPELINERS, "%zu requests were answered before", before);
    for (size_t i = 0; i < PIPELINERS; i++)
        close(fds[i]);
    close(other);
}
