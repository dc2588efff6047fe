#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/metric.h"

/* Each refusal of the queue is counted under its own reason. */

TestSuite(queue, .timeout = 60);

#define REFUSALS(reason) "accountsd_database_queue_refusals_total{reason=\"" reason "\"}"

static void expect_refusals(const struct server *server, double full, double unavailable, double expired)
{
    await_metric(server, REFUSALS("full"), full);
    await_metric(server, REFUSALS("unavailable"), unavailable);
    await_metric(server, REFUSALS("expired"), expired);
}

Test(queue, counts_a_refusal_under_its_own_reason)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server =
        server_start(url, (const char *[]){"--workers", "1", "--database-connections", "1", "--set-size", "1",
                              "--queue-size", "1", "--queue-timeout", "1000", NULL});
    struct poster working, waiting, refused;

    await_status(server, account, 201);
    expect_refusals(server, 0, 0, 0);
    account_lock(pg, account);
    poster_start(&working, server, account, new_email());
    await_waiting(pg, 1);
    poster_start(&waiting, server, account, new_email());
    await_metric(server, "accountsd_database_queue_length", 1);
    poster_start(&refused, server, account, new_email());
    poster_end(&refused, 503);
    expect_refusals(server, 1, 0, 0);
    poster_end(&waiting, 503);
    expect_refusals(server, 1, 0, 1);
    free(database_query(pg, "commit", NULL));
    poster_end(&working, 201);
    expect_refusals(server, 1, 0, 1);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(url);
}
