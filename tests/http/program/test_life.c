#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/process.h"

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

struct client {
    pthread_t thread;
    const struct server *server;
    const char *token, *body;
    struct answer answer;
    atomic_bool is_answered;
};

static void *post_once(void *data)
{
    struct client *client = data;

    client->answer = post(client->server, client->token, client->body);
    client->is_answered = true;
    return NULL;
}

static void start_client(
    struct client *client, const struct server *server, const struct account *account, const char *body)
{
    *client = (struct client){.server = server, .token = account->token, .body = body};
    cr_assert_eq(pthread_create(&client->thread, NULL, post_once, client), 0);
}

/* Waits for locks as long as the test needs, even on a slow machine. The caller frees it. */
static char *patient_url(void)
{
    char *base = server_database_url(database_url()), *url = NULL;

    cr_assert_geq(asprintf(&url, "%s options='-c lock_timeout=0'", base), 0);
    free(base);
    return url;
}

/* Takes a lock that blocks every create in the account, and no other test. */
static void lock_account(PGconn *pg, const struct account *account)
{
    free(database_query(pg, "begin", NULL));
    free(
        database_query(pg, "select key from accounts.account where key = internal.account_key($1) for update",
            account->id, NULL));
}

/* Waits until a statement waits for the lock that pg holds. (pg_stat_activity does not work, because a
 * transaction sees it as of its first read.) */
static void await_waiter(PGconn *pg)
{
    for (int i = 0; i < 500; i++) {
        char *found = database_query(pg,
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any "
            "(pg_blocking_pids(pid)))",
            NULL);
        bool done = strcmp(found, "t") == 0;

        free(found);
        if (done)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("no statement waits");
}

/* A lock delays the requests while the server is stopped: all of them are answered first. */
static void assert_drains(int signal)
{
    PGconn *pg = database_connect(database_url());
    char *url = patient_url(), *email = new_email();
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, NULL);
    struct client clients[8];
    char *body = create_body(email, NULL, NULL);

    lock_account(pg, account);
    for (size_t i = 0; i < 8; i++)
        start_client(&clients[i], server, account, body);
    await_waiter(pg);
    /* It is enough that the server has read the others. */
    sleep_ms(300);
    kill(server->pid, signal);
    sleep_ms(200);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < 8; i++) {
        pthread_join(clients[i].thread, NULL);
        expect_header(&clients[i].answer, "connection", "close");
        cr_expect_eq(
            clients[i].answer.status, 201, "%ld %s", clients[i].answer.status, clients[i].answer.text);
        answer_free(&clients[i].answer);
    }
    cr_expect_eq(server_stop(server, 0), 0);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
    free(url);
}

/* A request that is sent while the one before it is in the database is not read any more; the answer to
 * that one arrives. */
Test(life, a_pipelined_request_does_not_lose_the_answer_in_a_drain)
{
    PGconn *pg = database_connect(database_url());
    char *url = patient_url(), *email = new_email(), *body = create_body(email, NULL, NULL), *text = NULL;
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, NULL);
    int fd = connect_raw(server);
    char answer[8192] = "";
    size_t len = 0;
    ssize_t got;

    cr_assert_geq(asprintf(&text,
                      "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      account->token, strlen(body), body),
        0);
    lock_account(pg, account);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    await_waiter(pg);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    kill(server->pid, SIGTERM);
    sleep_ms(200);
    free(database_query(pg, "commit", NULL));
    while ((got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)got;
    cr_expect_eq(got, 0, "the connection is reset");
    cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1 "), "%s", answer);
    close(fd);
    cr_expect_eq(server_stop(server, 0), 0);
    account_free(account);
    PQfinish(pg);
    free(text);
    free(body);
    free(email);
    free(url);
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
    PGconn *pg = database_connect(database_url());
    char *url = patient_url(), *email = new_email(), *body = create_body(email, NULL, NULL);
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, (const char *[]){"--drain-timeout", "500", NULL});
    struct client clients[3];
    int silent = connect_raw(server);
    char *log;

    lock_account(pg, account);
    for (size_t i = 0; i < 3; i++)
        start_client(&clients[i], server, account, body);
    await_waiter(pg);
    sleep_ms(300);
    kill(server->pid, SIGTERM);
    await_logged(server, "\"requests_given_up\":3}");
    /* They were cut off without a 503. */
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"status\":499,"), "%s", log);
    cr_expect_null(strstr(log, "\"status\":503,"), "%s", log);
    free(log);
    cr_expect_eq(server_stop(server, 0), 1);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < 3; i++) {
        pthread_join(clients[i].thread, NULL);
        answer_free(&clients[i].answer);
    }
    close(silent);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
    free(url);
}

/* Like a kill: pending requests get no answer. */
Test(life, a_second_signal_ends_a_drain_at_once)
{
    PGconn *pg = database_connect(database_url());
    char *url = patient_url();
    struct account *account = account_make(pg, "Client");
    static const int signals[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < 2; i++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct server *server = server_start(url, NULL);
        struct client client;
        long begun;

        lock_account(pg, account);
        start_client(&client, server, account, body);
        await_waiter(pg);
        kill(server->pid, SIGTERM);
        await_logged(server, "\"event\":\"draining\"");
        begun = now_us();
        kill(server->pid, signals[i]);
        await_logged(server, "\"event\":\"ended_at_once\"");
        cr_expect_eq(server_stop(server, 0), 1);
        cr_expect_lt(now_us() - begun, 2000000, "after %ld ms", (now_us() - begun) / 1000);
        pthread_join(client.thread, NULL);
        cr_expect_eq(client.answer.status, 0, "%ld", client.answer.status);
        answer_free(&client.answer);
        free(database_query(pg, "commit", NULL));
        free(body);
        free(email);
    }
    account_free(account);
    PQfinish(pg);
    free(url);
}

/* At the maximum of connections, further ones wait in the kernel's queue. */
Test(life, a_drain_serves_connections_in_the_backlog)
{
    PGconn *pg = database_connect(database_url());
    char *url = patient_url(), *email = new_email(), *body = create_body(email, NULL, NULL);
    struct account *account = account_make(pg, "Client");
    struct server *server =
        server_start(url, (const char *[]){"--workers", "1", "--max-connections", "1", NULL});
    struct client clients[3];

    lock_account(pg, account);
    for (size_t i = 0; i < 3; i++)
        start_client(&clients[i], server, account, body);
    await_waiter(pg);
    sleep_ms(300);
    kill(server->pid, SIGTERM);
    sleep_ms(200);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < 3; i++) {
        pthread_join(clients[i].thread, NULL);
        cr_expect_eq(clients[i].answer.status, 201, "%ld", clients[i].answer.status);
        answer_free(&clients[i].answer);
    }
    cr_expect_eq(server_stop(server, 0), 0);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
    free(url);
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

    lock_account(pg, account);
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

/* Waits until this many clients have their answers. */
static void await_answered(struct client *clients, size_t count, size_t answered)
{
    for (int i = 0; i < 500; i++) {
        size_t found = 0;

        for (size_t k = 0; k < count; k++)
            found += clients[k].is_answered;
        if (found >= answered)
            return;
        sleep_ms(10);
    }
}

Test(life, a_full_queue_answers_503_at_once)
{
    PGconn *pg = database_connect(database_url());
    char *url = patient_url(), *email = new_email(), *body = create_body(email, NULL, NULL);
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, (const char *[]){"--workers", "1", "--database-connections",
                                                  "1", "--set-size", "1", "--queue-size", "1", NULL});
    struct client clients[6];
    int unavailable = 0, created = 0;
    char *other = new_email(), *first_body = create_body(other, NULL, NULL);
    struct answer first = post(server, account->token, first_body);

    cr_assert_eq(first.status, 201, "the connection is still open: %s", first.text);
    answer_free(&first);
    free(first_body);
    free(other);
    lock_account(pg, account);
    for (size_t i = 0; i < 6; i++) {
        start_client(&clients[i], server, account, body);
        if (i == 0)
            await_waiter(pg);
    }
    await_answered(clients, 6, 4);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < 6; i++) {
        char *retry_after;

        pthread_join(clients[i].thread, NULL);
        retry_after = answer_header(&clients[i].answer, "retry-after");
        created += clients[i].answer.status == 201;
        unavailable += clients[i].answer.status == 503 && strcmp(retry_after, "1") == 0;
        free(retry_after);
        answer_free(&clients[i].answer);
    }
    cr_expect_eq(created, 2, "one at work and one waiting: %d", created);
    cr_expect_eq(unavailable, 4, "%d", unavailable);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
    free(url);
}
