#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/metric.h"
#include "harness/process.h"

/* An unread log. */

TestSuite(unread, .timeout = 120);

/* More lines than fit into the smallest buffer and the kernel's together. */
#define REQUESTS 1000
#define OPTIONS "--log-buffer", "65536", "--workers", "2", "--stall-timeout", "2000"

/* Each has a line in the log; a few of them invite a person. */
static void send_requests(const struct server *server, const struct account *account)
{
    for (int i = 0; i < REQUESTS; i++) {
        bool invites = i % 100 == 0;
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct answer answer =
            invites ? post(server, account->token, body) : request(server, "GET", "/a", NULL, NULL, NULL);

        cr_assert_eq(answer.status, invites ? 201 : 404, "request %d: %ld", i, answer.status);
        answer_free(&answer);
        free(body);
        free(email);
    }
}

/* Everything logged, until nothing comes for half a second; the caller frees it. */
static char *read_all(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char *text = NULL, part[4096];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ssize_t got;

    while (poll(&readable, 1, 500) > 0 && (got = read(fd, part, sizeof(part))) > 0)
        fwrite(part, 1, (size_t)got, out);
    fclose(out);
    return text;
}

/* Requests with a line in the log, and those whose lines were reported as dropped. */
static void count_lines(char *log, long *logged, long *missing)
{
    for (char *line; (line = strsep(&log, "\n")) != NULL && *line != '\0';) {
        json_t *object = json_loads(line, 0, NULL);
        const char *event = json_string_value(json_object_get(object, "event"));

        cr_assert_not_null(event, "no line: %s", line);
        *logged += strcmp(event, "request") == 0;
        if (strcmp(event, "log_lines_dropped") == 0)
            *missing += (long)json_integer_value(json_object_get(object, "lines"));
        json_decref(object);
    }
}

Test(unread, does_not_block_requests)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url()), *log;
    struct account *account = account_make(pg, "Client");
    long logged = 0, missing = 0, dropped;
    struct server *server;
    int log_fd;

    server = server_start_unread(url, (const char *[]){OPTIONS, NULL}, &log_fd);
    cr_expect_eq(metric(server, "accountsd_log_lines_dropped_total"), 0);
    send_requests(server, account);
    /* Longer than a loop may be stuck. */
    sleep_ms(2500);
    for (int i = 0; i < 2; i++) {
        struct answer answer = telemetry_get(server, i == 0 ? "/live" : "/ready");

        cr_expect_eq(answer.status, 200, "%s", answer.text);
        answer_free(&answer);
    }
    cr_expect_eq(metric(server, "accountsd_http_requests_in_flight"), 0);
    cr_expect_eq(metric(server, "accountsd_database_queue_length"), 0);
    dropped = (long)metric(server, "accountsd_log_lines_dropped_total");
    cr_expect_gt(dropped, REQUESTS / 4, "%ld", dropped);

    /* A reader that returns sees how many lines were dropped, at their place, and none are dropped
     * afterwards. */
    log = read_all(log_fd);
    count_lines(log, &logged, &missing);
    free(log);
    cr_expect_eq(missing, dropped, "%ld of %ld", missing, dropped);
    cr_expect_eq(logged + missing, REQUESTS, "%ld and %ld", logged, missing);
    for (int i = 0; i < 50; i++) {
        struct answer answer = request(server, "GET", "/a", NULL, NULL, NULL);

        answer_free(&answer);
    }
    log = read_all(log_fd);
    count_lines(log, &logged, &missing);
    free(log);
    cr_expect_eq(logged + missing, REQUESTS + 50, "%ld and %ld", logged, missing);
    cr_expect_eq(missing, dropped);
    close(log_fd);
    /* A log that is never read again does not block the exit. */
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(url);
}

Test(unread, does_not_delay_the_exit)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server;
    int log_fd;
    long begun;

    server = server_start_unread(url, (const char *[]){OPTIONS, NULL}, &log_fd);
    send_requests(server, account);
    begun = now_us();
    cr_expect_eq(server_stop(server, SIGTERM), 0);
    cr_expect_lt(now_us() - begun, 5000000, "after %ld ms", (now_us() - begun) / 1000);
    close(log_fd);
    account_free(account);
    PQfinish(pg);
    free(url);
}

/* A log that is read in time is complete. */
Test(unread, is_complete_at_the_exit)
{
    char *url = server_database_url(database_url()), *log;
    struct server *server;
    int log_fd;

    server = server_start_unread(url, (const char *[]){OPTIONS, NULL}, &log_fd);
    for (int i = 0; i < 100; i++) {
        struct answer answer = request(server, "GET", "/a", NULL, NULL, NULL);

        answer_free(&answer);
    }
    kill(server->pid, SIGTERM);
    log = read_all(log_fd);
    cr_expect_not_null(strstr(log, "\"event\":\"stopped\""), "%s", log);
    free(log);
    /* A second signal would end it at once. */
    cr_expect_eq(server_stop(server, 0), 0);
    close(log_fd);
    free(url);
}
