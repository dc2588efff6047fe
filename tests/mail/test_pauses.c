#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/metric.h"
#include "mails.h"

/* Connections that fail are retried with growing delays, so that a server that comes back is not flooded. */

MAIL_SUITE(pauses, 120)

/* Allows or forbids the worker's connections to its database, existing and new ones. */
static void open_database(bool is_open)
{
    PGconn *pg = database_connect(database_url());
    char *sql = NULL;

    cr_assert_geq(
        asprintf(&sql, "alter database %s allow_connections %s", mails->name, is_open ? "true" : "false"), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    if (!is_open)
        free(database_query(pg,
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = $1"
            " and usename = 'accountsd_delivery'",
            mails->name, NULL));
    PQfinish(pg);
}

#define CONNECTION_FAILURES "accountsd_database_connection_failures_total"

/* At least half of the nominal delays of 50, 100, 200 ... ms, so eight attempts take more than six
 * seconds. */
Test(pauses, between_attempts_to_connect_grow)
{
    struct server *worker =
        mails_start_worker(mails, (const char *[]){"--database-retry-interval=60000", NULL});
    size_t attempts;

    mails_queue(mails, 1);
    mails_await(mails, "Sent", 1);
    cr_expect_eq(metric(worker, CONNECTION_FAILURES), 0);
    cr_expect_eq(server_log_count(worker, "\"event\":\"database_unavailable\""), 0);
    cr_expect_eq(server_log_count(worker, "\"event\":\"database_connected\""), 1);
    open_database(false);
    cr_expect_eq(log_await(worker, "\"event\":\"database_lost\"", 1), 1);
    await_metric_between(worker, CONNECTION_FAILURES, 3, 8);
    sleep_ms(4000);
    attempts = (size_t)metric(worker, CONNECTION_FAILURES);
    cr_expect(attempts >= 3 && attempts <= 8, "%zu attempts", attempts);
    /* The reason is unchanged. */
    cr_expect_eq(server_log_count(worker, "\"event\":\"database_unavailable\""), 1);
    cr_expect_eq(server_log_count(worker, "\"event\":\"database_connected\""), 1);
    open_database(true);
    mails_queue(mails, 1);
    mails_await(mails, "Sent", 2);
    cr_expect_eq(server_log_count(worker, "\"event\":\"database_connected\""), 2);
    server_end(worker);
}

/* 250, 500, 1000 ... ms: six attempts take more than seven seconds. */
Test(pauses, between_attempts_to_send_grow)
{
    struct server *worker;
    size_t attempts;

    sink_stop(mails->sink);
    mails->sink = NULL;
    mails_queue(mails, 30);
    worker = mails_start_worker(mails, (const char *[]){"--smtp-url", mails->sink_url, "--smtp-tls=none",
                                           "--smtp-retry-interval=60000", "--mails-in-flight=1", NULL});
    cr_expect_eq(log_await(worker, "\"event\":\"transport_unavailable\"", 1), 1);
    sleep_ms(5000);
    attempts = server_log_count(worker, "\"event\":\"delivery\"");
    cr_expect(attempts >= 3 && attempts <= 6, "%zu attempts", attempts);
    server_end(worker);
}
