#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/cluster.h"

/* Locks held by other sessions, and a server whose connections all wait for one. */

/* The role's lock_timeout, twice if a request of a set is retried alone, and slack for a busy machine. A
 * sanitizer slows everything down. */
#ifdef __SANITIZE_ADDRESS__
#define LOCKED_SECONDS 25.0
#else
#define LOCKED_SECONDS 8.0
#endif

static PGconn *pg;
static struct account *account, *locked;

static void set_up(void)
{
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    locked = account_make(pg, "Client");
}

static void tear_down(void)
{
    account_free(account);
    account_free(locked);
    PQfinish(pg);
}

TestSuite(locks, .init = set_up, .fini = tear_down, .timeout = 900);

static struct server *start(const char *options, const char *const *arguments)
{
    char *base = server_database_url(database_url()), *url = NULL;
    struct server *server;

    cr_assert_geq(asprintf(&url, "%s options='%s'", base, options), 0);
    server = server_start(url, arguments);
    free(base);
    free(url);
    return server;
}

static void end_lock(void)
{
    free(database_query(pg, "rollback", NULL));
}

/* Posts an invitation and expects a status; returns the seconds it took. */
static double expect_status(const struct server *server, const struct account *into, long status)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct timespec start = now();
    struct answer answer = post(server, into->token, body);
    double seconds = seconds_since(&start);

    cr_expect_eq(answer.status, status, "%ld, not %ld: %s", answer.status, status, answer.text);
    expect_header(&answer, "retry-after", status == 503 ? "1" : "");
    answer_free(&answer);
    free(body);
    free(email);
    return seconds;
}

/* Two connections, and more requests that wait for the lock, in sets with others. */
Test(locks, held_for_a_minute_do_not_affect_others)
{
    double hold = (double)short_or_soak(7, 60);
    /* On a slow machine the others may be queued for longer than the default. */
    struct server *server = start("", (const char *[]){"--workers", "1", "--queue-timeout", "20000", NULL});
    struct load *load = load_start(server, account, 6), *stuck;
    struct timespec start = now();
    size_t before;
    char *log;

    load_await_success(load, &start);
    log = server_log(server);
    cr_expect_null(strstr(log, "database_timeout_not_below_ours"), "%s", log);
    free(log);
    account_lock(pg, locked);
    start = now();
    stuck = load_start(server, locked, 8);
    sleep_ms(500);
    before = load_count(load, 201);
    while (seconds_since(&start) < hold)
        sleep_ms(100);
    cr_expect_gt(load_count(load, 201), before, "no other request was served while the lock was held");
    load_pause(stuck);
    cr_expect_eq(load_count(stuck, 201), 0);
    cr_expect_gt(load_count(stuck, 503), 0);
    end_lock();
    load_resume(stuck);
    load_await_success(stuck, &start);
    load_pause(stuck);
    load_pause(load);
    load_check(load, pg, LOCKED_SECONDS);
    load_check(stuck, pg, LOCKED_SECONDS);
    cr_expect_eq(load_count(load, 503) + load_count(load, 504), 0, "others failed");
    load_print(stuck, "requests that waited for the lock");
    load_print(load, "the others");
    load_free(load);
    load_free(stuck);
    server_end(server);
}

#define CROWD 10

/* One connection; behind a request that waits for the lock comes a set in which all but the last wait for
 * it too. Together they have waited for as long as allowed; one by one, each would wait that long again. */
Test(locks, in_a_set_do_not_add_up)
{
    struct server *server = start("-c lock_timeout=2000",
        (const char *[]){"--workers", "1", "--database-connections", "1", "--queue-timeout", "60000", NULL});
    struct poster posters[CROWD];
    struct timespec begin;

    account_lock(pg, locked);
    poster_start(&posters[0], server, locked, new_email());
    await_waiting(pg, 1);
    begin = now();
    for (size_t i = 1; i < CROWD; i++) {
        poster_start(&posters[i], server, i == CROWD - 1 ? account : locked, new_email());
        sleep_ms(20);
    }
    poster_end(&posters[CROWD - 1], 201);
    cr_expect_lt(seconds_since(&begin), 12, "%.1f s", seconds_since(&begin));
    for (size_t i = 0; i < CROWD - 1; i++)
        poster_end(&posters[i], 503);
    end_lock();
    server_end(server);
}

#define QUEUE_SIZE 4

/* Only the test ends the wait, so whatever is answered meanwhile did not wait for a connection. */
Test(locks, on_all_connections_do_not_affect_requests_without_database)
{
    static const struct {
        const char *path, *token, *body;
        long status;
    } cases[] = {
        {ACCOUNT_USERS, "idt:TKN-0000-0000", "{}", 401},
        {ACCOUNT_USERS, "idt:TKN-0000-0000:x", "{}", 401},
        {ACCOUNT_USERS, NULL, "{}", 401},
        {ACCOUNT_USERS, "", "{", 400},
        {ACCOUNT_USERS, "", "{}", 400},
        {ACCOUNT_USERS, "", "{\"user\":{\"email\":\"nobody\",\"firstName\":\"A\",\"lastName\":\"B\"}}", 400},
        {ACCOUNT_USERS "/AUSR-1", "", "{}", 404},
        {"/nothing", "", "{}", 404},
        {"/public/v1/accounts/openapi.json", "", "{}", 405},
    };
    struct server *server = start("-c lock_timeout=0 -c statement_timeout=0",
        (const char *[]){"--workers", "1", "--database-connections", "2", "--queue-size", "8", "--set-size",
            "1", "--database-timeout", "600000", "--queue-timeout", "600000", NULL});
    struct poster stuck[2], queued[QUEUE_SIZE];

    account_lock(pg, locked);
    poster_start(&stuck[0], server, locked, new_email());
    await_waiting(pg, 1);
    poster_start(&stuck[1], server, locked, new_email());
    await_waiting(pg, 2);
    for (size_t i = 0; i < QUEUE_SIZE; i++) {
        poster_start(&queued[i], server, account, new_email());
        sleep_ms(50);
    }
    sleep_ms(500);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *token =
            cases[i].token != NULL && *cases[i].token == '\0' ? account->token : cases[i].token;
        struct answer answer = request_json(server, "POST", cases[i].path, token, cases[i].body);

        cr_expect_eq(
            answer.status, cases[i].status, "%s %s: %ld", cases[i].path, cases[i].body, answer.status);
        answer_free(&answer);
    }
    expect_status(server, account, 503);
    end_lock();
    poster_end(&stuck[0], 201);
    poster_end(&stuck[1], 201);
    for (size_t i = 0; i < QUEUE_SIZE; i++)
        poster_end(&queued[i], 201);
    server_end(server);
}

/* When a server gives up a statement, the statement must not stay in the database. Only a lost client ends
 * this one: a misconfiguration, about which the server warns at its start. */
Test(locks, are_not_waited_for_after_the_server_gives_up)
{
    struct server *server = start("-c lock_timeout=0 -c statement_timeout=0",
        (const char *[]){"--workers", "1", "--database-timeout", "500", NULL});

    await_logged(server, "\"setting\":\"statement_timeout\",\"ms\":0");
    await_logged(server, "\"setting\":\"lock_timeout\",\"ms\":0");
    account_lock(pg, locked);
    expect_status(server, locked, 504);
    await_waiting(pg, 0);
    end_lock();
    server_end(server);
}

#define PAIRS 4

static size_t count_deadlocks(const struct server *server)
{
    char *log = server_log(server);
    size_t count = 0;

    for (const char *at = log; (at = strstr(at, "\"40P01\"")) != NULL; at++)
        count++;
    free(log);
    return count;
}

/* Two addresses of tests/harness/poison.sql that take the same two locks in opposite orders. */
static void post_deadlocks(const struct server *server)
{
    struct poster posters[PAIRS][2];

    for (size_t i = 0; i < PAIRS; i++) {
        char *tail = new_email();

        for (size_t side = 0; side < 2; side++) {
            char *email = NULL;

            cr_assert_geq(asprintf(&email, "deadlock-%c-%s", side == 0 ? 'a' : 'b', tail), 0);
            poster_start(&posters[i][side], server, account, email);
        }
        free(tail);
    }
    for (size_t i = 0; i < PAIRS; i++) {
        poster_end(&posters[i][0], 201);
        poster_end(&posters[i][1], 201);
    }
}

Test(locks, deadlocks_are_retried)
{
    size_t wanted = (size_t)short_or_soak(50, 1000), deadlocks = 0, rounds = 0;
    struct server *server =
        start("", (const char *[]){"--workers", "1", "--database-connections", "8", "--set-size", "1", NULL});

    /* Sometimes the two miss each other. */
    while (deadlocks < wanted && rounds < wanted) {
        post_deadlocks(server);
        rounds++;
        deadlocks = count_deadlocks(server);
    }
    fprintf(stderr, "deadlocks: %zu in %zu pairs, all of whom are invited\n", deadlocks, rounds * PAIRS);
    cr_expect_geq(deadlocks, wanted);
    server_end(server);
}
