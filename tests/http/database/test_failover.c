#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"

/* A primary and a synchronous standby. The server knows only these two hosts. */

#define THREADS 8
#define MAX_SECONDS_TO_SERVICE 5.0

TestSuite(failover, .timeout = 1200);

static char *socket_of(const struct cluster *cluster)
{
    char *path = NULL, *real;

    cr_assert_geq(asprintf(&path, "%s/socket", cluster->dir), 0);
    real = realpath(path, NULL);
    cr_assert_not_null(real, "%s", path);
    free(path);
    return real;
}

/* Both hosts in one URL, in libpq's syntax. */
static char *url_of_both(const struct cluster *a, const struct cluster *b, const char *user)
{
    char *a_socket = socket_of(a), *b_socket = socket_of(b), *url = NULL;

    cr_assert_geq(
        asprintf(&url,
            "postgresql:///accountsd?host=%s,%s&port=5432,5432&target_session_attrs=read-write&user=%s",
            a_socket, b_socket, user),
        0);
    free(a_socket);
    free(b_socket);
    return url;
}

struct pair {
    struct cluster *a, *b;
    char *url, *server_url;
    struct account *account;
};

static void pair_start(struct pair *pair, const char *name)
{
    char b_name[64];
    PGconn *pg;

    snprintf(b_name, sizeof(b_name), "%s-b", name);
    pair->a = cluster_start(name);
    pair->b = cluster_named(b_name);
    cluster_run(pair->b, "standby", pair->a->dir);
    pair->url = url_of_both(pair->a, pair->b, "postgres");
    pair->server_url = url_of_both(pair->a, pair->b, "accountsd_server");
    pg = database_connect(pair->url);
    pair->account = account_make(pg, "Client");
    PQfinish(pg);
}

static void pair_remove(struct pair *pair)
{
    account_free(pair->account);
    cluster_remove(pair->a);
    cluster_remove(pair->b);
    free(pair->url);
    free(pair->server_url);
}

Test(failover, loses_nothing_and_takes_seconds)
{
    long rounds = short_or_soak(2, 20);
    double longest = 0, sum = 0;
    struct pair pair;
    struct server *server;
    struct load *load;
    size_t invited = 0;
    PGconn *pg;

    pair_start(&pair, "failover");
    server = server_start(pair.server_url, NULL);
    load = load_start(server, pair.account, THREADS);
    for (long round = 0; round < rounds; round++) {
        struct cluster *primary = round % 2 == 0 ? pair.a : pair.b;
        struct cluster *standby = round % 2 == 0 ? pair.b : pair.a;
        struct timespec start;
        double seconds;

        start = now();
        load_await_success(load, &start);
        sleep_ms(500 + random() % 500);
        cluster_run(primary, "kill", "");
        /* In some rounds the server is in the middle of its longest wait. */
        sleep_ms(round % 4 * 1000);
        start = now();
        cluster_run(standby, "promote", "");
        seconds = load_await_success(load, &start);
        sum += seconds;
        longest = seconds > longest ? seconds : longest;
        cr_expect_lt(seconds, MAX_SECONDS_TO_SERVICE, "service is back after %.2f s", seconds);
        load_pause(load);
        pg = database_connect(pair.url);
        invited = load_check(load, pg, SLOWEST_SECONDS);
        PQfinish(pg);
        if (round + 1 < rounds) {
            cluster_run(primary, "standby", standby->dir);
            load_resume(load);
        }
    }
    load_print(load, "failover");
    fprintf(stderr,
        "failover: %ld rounds; from the command to promote to the first 201: %.2f s, at most %.2f s\n",
        rounds, sum / (double)rounds, longest);
    cr_expect_gt(invited, 0);
    load_free(load);
    server_end(server);
    pair_remove(&pair);
}

/* The standby receives nothing more, and the wait for it is cancelled. PostgreSQL reports the commit as
 * done, but it would be lost in a failover. */
Test(failover, a_commit_without_a_standby_is_not_acknowledged)
{
    static const char waiting[] = "select coalesce((select pid from pg_stat_activity where usename = "
                                  "'accountsd_server' and wait_event = "
                                  "'SyncRep' limit 1), 0)";
    struct pair pair;
    struct server *server;
    struct load *load;
    struct timespec start;
    size_t before;
    PGconn *pg;

    pair_start(&pair, "unconfirmed");
    server = server_start(pair.server_url, NULL);
    load = load_start(server, pair.account, 1);
    start = now();
    load_await_success(load, &start);
    pg = database_connect(pair.url);
    cluster_run(pair.b, "stop", "immediate");
    for (int cancelled = 0, tries = 0; cancelled < 3 && tries < 1000; tries++) {
        char *pid = database_query(pg, waiting, NULL);

        if (strcmp(pid, "0") != 0) {
            /* Everything acknowledged was acknowledged before the standby stopped. */
            before = load_count(load, 201);
            free(database_query(pg, "select pg_cancel_backend($1::int)", pid, NULL));
            sleep_ms(300);
            cr_expect_eq(load_count(load, 201), before, "acknowledged, and on one machine only");
            cancelled++;
        }
        free(pid);
        sleep_ms(10);
        cr_assert_lt(tries, 999, "nothing waits for the standby");
    }
    cr_expect_geq(load_count(load, 503), 3);
    free(database_query(pg, "alter system reset synchronous_standby_names", NULL));
    free(database_query(pg, "select pg_reload_conf()", NULL));
    load_await_success(load, &start);
    load_pause(load);
    load_check(load, pg, SLOWEST_SECONDS);
    PQfinish(pg);
    load_free(load);
    server_end(server);
    pair_remove(&pair);
}
