#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/metric.h"

/* A PostgreSQL of the test's own, because it is stopped or refuses connections; with full durability,
 * because what it acknowledged must survive. */

#define THREADS 8

TestSuite(outage, .timeout = 900);

struct outage {
    struct cluster *cluster;
    PGconn *pg;
    struct account *account;
};

static void outage_start(struct outage *outage, const char *name)
{
    outage->cluster = cluster_start(name);
    outage->pg = database_connect(outage->cluster->url);
    outage->account = account_make(outage->pg, "Client");
}

static void outage_end(struct outage *outage)
{
    account_free(outage->account);
    PQfinish(outage->pg);
    cluster_remove(outage->cluster);
}

/* While the database is unavailable, requests are answered at once, and what needs no database is served. */
static void expect_at_once(const struct server *server, const struct account *account)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct timespec start = now();
    struct answer answer = post(server, account->token, body);

    cr_expect_eq(answer.status, 503, "%ld %s", answer.status, answer.text);
    expect_header(&answer, "retry-after", "1");
    cr_expect_lt(seconds_since(&start), 4.0, "not before the time in the queue was up");
    answer_free(&answer);
    answer = post(server, account->token, "{}");
    cr_expect_eq(answer.status, 400);
    answer_free(&answer);
    free(body);
    free(email);
}

Test(outage, restarts_under_load_lose_nothing)
{
    static const char *const modes[] = {"immediate", "fast"};
    long rounds = short_or_soak(2, 10);
    struct outage outage;
    struct server *server;
    struct load *load;

    outage_start(&outage, "outage");
    PQfinish(outage.pg);
    server = server_start(outage.cluster->server_url, NULL);
    load = load_start(server, outage.account, THREADS);
    for (long round = 0; round < rounds; round++) {
        struct timespec start = now();

        load_await_success(load, &start);
        sleep_ms(300);
        cluster_run(outage.cluster, "stop", modes[round % 2]);
        /* The first request may discover the outage; later ones are answered at once. */
        await_status(server, outage.account, 503);
        expect_at_once(server, outage.account);
        cluster_run(outage.cluster, "start", "");
        start = now();
        fprintf(stderr, "outage: %s stop; service is back %.2f s after the database\n", modes[round % 2],
            load_await_success(load, &start));
    }
    load_pause(load);
    outage.pg = database_connect(outage.cluster->url);
    cr_expect_gt(load_check(load, outage.pg, SLOWEST_SECONDS), 0);
    load_print(load, "outage");
    load_free(load);
    server_end(server);
    outage_end(&outage);
}

/* Pauses the test's own work in the database, but not the load. */
static void terminate_backends(PGconn *pg)
{
    free(database_query(pg,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'accountsd_server'",
        NULL));
}

/* Most backends are terminated while they work, and report it; no request fails. */
Test(outage, backends_terminated_in_a_loop_lose_nothing)
{
    double seconds = (double)short_or_soak(5, 60);
    struct outage outage;
    struct server *server;
    struct load *load;
    struct timespec start;
    size_t terminations = 0, invited;

    outage_start(&outage, "terminated");
    server = server_start(outage.cluster->server_url, NULL);
    load = load_start(server, outage.account, THREADS);
    start = now();
    while (seconds_since(&start) < seconds) {
        terminate_backends(outage.pg);
        terminations++;
        sleep_ms(random() % 400);
    }
    load_await_success(load, &start);
    load_pause(load);
    invited = load_check(load, outage.pg, SLOWEST_SECONDS);
    cr_expect_gt(server_log_count(server, "\"database_connection_lost\""), terminations / 4);
    cr_expect_gt(invited, 0);
    fprintf(stderr, "terminated: %zu times all backends\n", terminations);
    load_print(load, "terminated");
    load_free(load);
    server_end(server);
    outage_end(&outage);
}

static void limit_connections(const struct outage *outage, const char *limit)
{
    char *sql = NULL;

    cr_assert_geq(asprintf(&sql, "alter role accountsd_server connection limit %s", limit), 0);
    free(database_query(outage->pg, sql, NULL));
    free(sql);
    terminate_backends(outage->pg);
}

#define CONNECTION_FAILURES "accountsd_database_connection_failures_total"

Test(outage, survives_too_many_connections)
{
    struct outage outage;
    struct server *server;
    struct load *load;
    struct timespec start;
    size_t attempts, during;

    outage_start(&outage, "connections");
    server = server_start(
        outage.cluster->server_url, (const char *[]){"--workers", "1", "--database-connections", "4", NULL});
    load = load_start(server, outage.account, THREADS);
    start = now();
    load_await_success(load, &start);

    /* Without connections there is no service, and the server does not flood the database with attempts. */
    limit_connections(&outage, "0");
    await_status(server, outage.account, 503);
    sleep_ms(2000);
    expect_at_once(server, outage.account);
    attempts = (size_t)metric(server, CONNECTION_FAILURES);
    start = now();
    sleep_ms(3000);
    during = (size_t)metric(server, CONNECTION_FAILURES) - attempts;
    /* At most one attempt in half of --database-retry-interval. */
    cr_expect_leq(during, (size_t)(seconds_since(&start) / 0.5) + 1, "%zu attempts", during);
    cr_expect_geq(during, 1);

    /* With one of four connections there is. */
    limit_connections(&outage, "1");
    load_await_success(load, &start);
    await_status(server, outage.account, 201);

    limit_connections(&outage, "-1");
    load_await_success(load, &start);
    load_pause(load);
    load_check(load, outage.pg, SLOWEST_SECONDS);
    load_print(load, "connections");
    load_free(load);
    server_end(server);
    outage_end(&outage);
}

static void make_read_only(const struct outage *outage, const char *whether)
{
    char *sql = NULL;

    cr_assert_geq(asprintf(&sql, "alter system set default_transaction_read_only = %s", whether), 0);
    /* The setting itself would forbid changing it. */
    free(database_query(outage->pg, "set default_transaction_read_only = off", NULL));
    free(database_query(outage->pg, sql, NULL));
    free(database_query(outage->pg, "select pg_reload_conf()", NULL));
    free(sql);
}

/* A demoted server behind an unchanged address: connections to it are closed, and none are made. */
Test(outage, a_read_only_database_is_unavailable)
{
    static const char lost[] = "\"it can no longer execute statements\"";
    struct outage outage;
    struct server *server;
    size_t drops;

    outage_start(&outage, "read-only");
    server = server_start(outage.cluster->server_url, (const char *[]){"--workers", "1", NULL});
    await_status(server, outage.account, 201);
    make_read_only(&outage, "on");
    await_status(server, outage.account, 503);
    expect_at_once(server, outage.account);
    drops = server_log_count(server, lost);
    cr_expect_geq(drops, 1);
    sleep_ms(1000);
    cr_expect_leq(server_log_count(server, lost), drops + 1, "it is connected to again");
    make_read_only(&outage, "off");
    await_status(server, outage.account, 201);
    server_end(server);
    outage_end(&outage);
}

#define UNKNOWN "whether the request was done is unknown"

/* A backend that reports its end has not done its work, so another does it. One that reports nothing may
 * have committed. */
Test(outage, retries_what_was_not_done_and_reports_unknown_outcomes)
{
    struct outage outage;
    struct server *server;
    struct poster poster;
    struct answer answer;

    outage_start(&outage, "unknown");
    /* A single connection: otherwise another may be in flight when all are terminated, and a database
     * without connections counts as unavailable. */
    server = server_start(
        outage.cluster->server_url, (const char *[]){"--workers", "1", "--database-connections", "1", NULL});
    account_lock(outage.pg, outage.account);
    poster_start(&poster, server, outage.account, new_email());
    await_waiting(outage.pg, 1);
    terminate_backends(outage.pg);
    for (int i = 0; i < 1000 && server_log_count(server, "\"requests\":1}") == 0; i++)
        sleep_ms(10);
    await_waiting(outage.pg, 1);
    free(database_query(outage.pg, "commit", NULL));
    poster_end(&poster, 201);

    account_lock(outage.pg, outage.account);
    poster_start(&poster, server, outage.account, new_email());
    await_waiting(outage.pg, 1);
    cluster_run(outage.cluster, "stop", "immediate");
    pthread_join(poster.thread, NULL);
    cr_expect_eq(poster.answer.status, 503, "%ld %s", poster.answer.status, poster.answer.text);
    cr_expect_not_null(strstr(poster.answer.text, UNKNOWN), "%s", poster.answer.text);
    answer_free(&poster.answer);
    await_status(server, outage.account, 503);
    answer = post(server, outage.account->token,
        "{\"user\":{\"email\":\"a@example.com\",\"firstName\":\"A\",\"lastName\":\"B\"}}");
    cr_expect_eq(answer.status, 503, "%ld", answer.status);
    cr_expect_null(strstr(answer.text, UNKNOWN), "%s", answer.text);
    answer_free(&answer);
    free(poster.email);
    server_end(server);
    outage_end(&outage);
}
