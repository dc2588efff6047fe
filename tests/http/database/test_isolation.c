#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"

/* The default isolation is SERIALIZABLE, at which concurrent requests would fail instead of waiting. The
 * server's sessions are READ COMMITTED nevertheless. */

#define REQUESTS 50

TestSuite(isolation, .timeout = 120);

/* Half of them invite one person, the others one each, all concurrently, each in its own transaction. */
static void expect_all_done(const char *url, const struct account *into)
{
    struct server *server = server_start(url,
        (const char *[]){PATIENT, "--workers", "1", "--database-connections", "8", "--set-size", "1", NULL});
    struct poster posters[REQUESTS];
    char *twin = new_email();

    for (size_t i = 0; i < REQUESTS; i++)
        poster_start(&posters[i], server, into, i % 2 == 0 ? strdup(twin) : new_email());
    for (size_t i = 0; i < REQUESTS; i++)
        poster_end(&posters[i], 201);
    free(twin);
    server_end(server);
}

Test(isolation, overrides_the_options_of_the_url)
{
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    char *base = server_database_url(database_url()), *url;

    cr_assert_geq(asprintf(&url, "%s options='-c default_transaction_isolation=serializable'", base), 0);
    expect_all_done(url, account);
    account_free(account);
    PQfinish(pg);
    free(base);
    free(url);
}

/* A copy of a database has the settings of the database, but not those of a role in it. */
Test(isolation, overrides_the_setting_of_the_database)
{
    struct scratch *scratch = scratch_make("isolation", true);
    struct account *account = account_make(scratch->pg, "Client");
    char *sql;

    cr_assert_geq(
        asprintf(&sql, "alter database %s set default_transaction_isolation = serializable", scratch->name),
        0);
    free(database_query(scratch->pg, sql, NULL));
    free(sql);
    expect_all_done(scratch->server_url, account);
    account_free(account);
    scratch_free(scratch);
}
