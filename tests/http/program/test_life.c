#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/metric.h"

/* Start, stop, and a database that becomes unavailable. */

TestSuite(life, .timeout = 120);

Test(life, serves_telemetry_without_a_database)
{
    char *said;

    cr_expect_eq(server_run((const char *[]){"--check-config", NULL}, &said), 0, "%s", said);
    free(said);
    cr_expect_eq(server_run((const char *[]){"--version", NULL}, &said), 0);
    cr_expect_eq(strncmp(said, "accountsd ", 10), 0, "%s", said);
    free(said);
}

/* Waits for locks as long as the test needs, even on a slow machine. The caller frees it. */
static char *patient_url(void)
{
    char *base = server_database_url(database_url()), *url = NULL;

    cr_assert_geq(asprintf(&url, "%s options='-c lock_timeout=0'", base), 0);
    free(base);
    return url;
}

/* A server whose creates wait for a lock, which pg holds. */
struct blocked {
    PGconn *pg;
    char *url;
    struct account *account;
    struct server *server;
    struct poster posters[8];
};

static struct blocked blocked_start(const char *const *arguments)
{
    struct blocked blocked = {.pg = database_connect(database_url()), .url = patient_url()};

    blocked.account = account_make(blocked.pg, "Client");
    blocked.server = server_start(blocked.url, arguments);
    return blocked;
}

/* Takes the lock and sends creates, of which one waits in the database. */
static void blocked_post(struct blocked *blocked, size_t count)
{
    account_lock(blocked->pg, blocked->account);
    for (size_t i = 0; i < count; i++)
        poster_start(&blocked->posters[i], blocked->server, blocked->account, new_email());
    await_waiter(blocked->pg);
    /* It is enough that the server has read the others. */
    sleep_ms(300);
}

static void blocked_release(struct blocked *blocked)
{
    free(database_query(blocked->pg, "commit", NULL));
}

/* The server has ended. */
static void blocked_free(struct blocked *blocked)
{
    account_free(blocked->account);
    PQfinish(blocked->pg);
    free(blocked->url);
}

/* A lock delays the requests while the server is told to stop: all of them are answered first. */
static void assert_drains(int signal)
{
    struct blocked blocked = blocked_start(NULL);

    blocked_post(&blocked, 8);
    kill(blocked.server->pid, signal);
    sleep_ms(200);
    blocked_release(&blocked);
    for (size_t i = 0; i < 8; i++) {
        expect_header(poster_await(&blocked.posters[i]), "connection", "close");
        poster_end(&blocked.posters[i], 201);
    }
    cr_expect_eq(server_stop(blocked.server, 0), 0);
    blocked_free(&blocked);
}

/* A request that is sent while the one before it is in the database is not read any more; the answer to
 * that one arrives. */
Test(life, a_pipelined_request_does_not_lose_the_answer_in_a_drain)
{
    struct blocked blocked = blocked_start(NULL);
    char *text = create_request(blocked.account, NULL), answer[8192] = "";
    int fd = connect_raw(blocked.server);
    size_t len = 0;
    ssize_t got;

    account_lock(blocked.pg, blocked.account);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    await_waiter(blocked.pg);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    kill(blocked.server->pid, SIGTERM);
    sleep_ms(200);
    blocked_release(&blocked);
    while ((got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)got;
    cr_expect_eq(got, 0, "the connection is reset");
    cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1 "), "%s", answer);
    close(fd);
    cr_expect_eq(server_stop(blocked.server, 0), 0);
    blocked_free(&blocked);
    free(text);
}

Test(life, sigterm_drains)
{
    assert_drains(SIGTERM);
}

Test(life, sigint_drains)
{
    assert_drains(SIGINT);
}

Test(life, a_drain_gives_up_requests_after_its_timeout)
{
    struct blocked blocked = blocked_start((const char *[]){"--drain-timeout", "500", NULL});
    int silent = connect_raw(blocked.server);
    char *log;

    blocked_post(&blocked, 3);
    kill(blocked.server->pid, SIGTERM);
    await_logged(blocked.server, "\"requests_given_up\":3}");
    /* They were cut off without a 503. */
    log = server_log(blocked.server);
    cr_expect_not_null(strstr(log, "\"status\":499,"), "%s", log);
    cr_expect_null(strstr(log, "\"status\":503,"), "%s", log);
    free(log);
    cr_expect_eq(server_stop(blocked.server, 0), 1);
    blocked_release(&blocked);
    for (size_t i = 0; i < 3; i++)
        poster_end(&blocked.posters[i], 0);
    close(silent);
    blocked_free(&blocked);
}

/* Like a kill: pending requests get no answer. */
Test(life, a_second_signal_ends_a_drain_at_once)
{
    static const int signals[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < COUNT(signals); i++) {
        struct blocked blocked = blocked_start(NULL);
        long begun;

        blocked_post(&blocked, 1);
        kill(blocked.server->pid, SIGTERM);
        await_logged(blocked.server, "\"event\":\"draining\"");
        begun = now_us();
        kill(blocked.server->pid, signals[i]);
        await_logged(blocked.server, "\"event\":\"ended_at_once\"");
        cr_expect_eq(server_stop(blocked.server, 0), 1);
        cr_expect_lt(now_us() - begun, 2000000, "after %ld ms", (now_us() - begun) / 1000);
        poster_end(&blocked.posters[0], 0);
        blocked_release(&blocked);
        blocked_free(&blocked);
    }
}

/* At the maximum of connections, further ones wait in the kernel's queue. */
Test(life, a_drain_serves_connections_in_the_backlog)
{
    struct blocked blocked =
        blocked_start((const char *[]){"--workers", "1", "--max-connections", "1", NULL});

    blocked_post(&blocked, 3);
    kill(blocked.server->pid, SIGTERM);
    sleep_ms(200);
    blocked_release(&blocked);
    for (size_t i = 0; i < 3; i++)
        poster_end(&blocked.posters[i], 201);
    cr_expect_eq(server_stop(blocked.server, 0), 0);
    blocked_free(&blocked);
}

static bool is_served(const struct server *server)
{
    struct answer answer = request(server, "GET", "/a", NULL, NULL, NULL);
    bool served = answer.status == 404;

    answer_free(&answer);
    return served;
}

/* During the drain delay, neither SIGHUP for a certificate nor a debugger's stop ends it; only a second
 * signal to stop does. */
Test(life, only_a_stop_signal_ends_the_drain_delay)
{
    static const int others[] = {SIGHUP, SIGSTOP, SIGCONT};
    char *url = server_database_url(database_url());
    struct server *server = server_start(url, (const char *[]){"--drain-delay", "60000", NULL});

    kill(server->pid, SIGTERM);
    await_logged(server, "\"event\":\"draining\"");
    for (size_t i = 0; i < COUNT(others); i++) {
        kill(server->pid, others[i]);
        sleep_ms(100);
    }
    cr_expect(is_served(server));
    cr_expect_eq(server_stop(server, SIGINT), 0);
    free(url);
}

Test(life, a_statement_that_takes_too_long_is_504)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url()), *email = new_email(),
         *body = create_body(email, NULL, NULL);
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, (const char *[]){"--database-timeout", "1500", NULL});
    struct answer answer;

    account_lock(pg, account);
    answer = post(server, account->token, body);
    cr_expect_eq(answer.status, 504, "%s", answer.text);
    answer_free(&answer);
    free(database_query(pg, "commit", NULL));
    /* The other connections, and the new one, continue to serve. */
    for (int i = 0; i < 8; i++) {
        answer = post(server, account->token, body);
        cr_expect_eq(answer.status, 201, "%s", answer.text);
        answer_free(&answer);
    }
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
    free(url);
}

Test(life, a_full_queue_answers_503_at_once)
{
    struct blocked blocked = blocked_start((const char *[]){
        "--workers", "1", "--database-connections", "1", "--set-size", "1", "--queue-size", "1", NULL});
    int unavailable = 0, created = 0;

    await_status(blocked.server, blocked.account, 201);
    blocked_post(&blocked, 1);
    for (size_t i = 1; i < 6; i++)
        poster_start(&blocked.posters[i], blocked.server, blocked.account, new_email());
    await_metric(blocked.server, "accountsd_database_queue_refusals_total{reason=\"full\"}", 4);
    blocked_release(&blocked);
    for (size_t i = 0; i < 6; i++) {
        const struct answer *answer = poster_await(&blocked.posters[i]);
        bool is_created = answer->status == 201;

        expect_header(answer, "retry-after", is_created ? "" : "1");
        created += is_created;
        unavailable += answer->status == 503;
        poster_end(&blocked.posters[i], is_created ? 201 : 503);
    }
    cr_expect_eq(created, 2, "one at work and one waiting: %d", created);
    cr_expect_eq(unavailable, 4, "%d", unavailable);
    server_end(blocked.server);
    blocked_free(&blocked);
}
