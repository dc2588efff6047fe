#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/metric.h"
#include "harness/process.h"

/* How many of the given processors and open files the server uses. */

static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(url);
}

TestSuite(capacity, .init = set_up, .fini = tear_down, .timeout = 120);

Test(capacity, starts_a_worker_for_each_usable_processor)
{
    cpu_set_t all, one;
    struct server *server;

    cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    if (CPU_COUNT(&all) < 2)
        cr_skip_test("there is one processor");
    CPU_ZERO(&one);
    for (int i = 0; CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    }
    cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    server = server_start(url, (const char *[]){"--workers", "0", NULL});
    await_logged(server, "\"workers\":1,");
    server_end(server);
}

#define DATABASE_CONNECTIONS 60
#define OPEN_FILES 400
#define PROBES 60
/* More than there is room for. */
#define WAITING 20
/* Of an attempt to connect to 16 hosts, the most that a URL may have: a socket and an event of each. */
#define ATTEMPT (2UL * 16)

/* With the maximum of clients, and the telemetry port nearly full, descriptors are left for the database. */
Test(capacity, has_descriptors_for_all_database_connections)
{
    static const char connected[] = "accountsd_database_connections{state=\"idle\"}";
    const struct rlimit limit = {OPEN_FILES, OPEN_FILES};
    int clients[OPEN_FILES], probes[PROBES];
    char *name = NULL, *named = NULL, *log;
    PGconn *pg = database_connect(database_url());
    struct server *server;
    size_t room, descriptors;

    cr_assert_geq(asprintf(&name, "capacity-%d", (int)getpid()), 0);
    cr_assert_geq(asprintf(&named, "%s application_name=%s", url, name), 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    server = server_start(named, (const char *[]){"--workers", "1", "--database-connections", "60",
                                     "--request-timeout", "60000", NULL});
    await_metric(server, connected, DATABASE_CONNECTIONS);
    room = (size_t)metric(server, "accountsd_client_connections_max");
    cr_assert(room > 0 && room < OPEN_FILES - PROBES - WAITING, "%zu clients", room);
    for (size_t i = 0; i < room + WAITING; i++)
        clients[i] = connect_raw(server);
    for (size_t i = 0; i < PROBES; i++)
        probes[i] = connect_telemetry_raw(server);
    await_metric(server, "accountsd_client_connections", (double)room);
    /* All database connections are replaced. */
    free(database_query(pg,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1", name,
        NULL));
    await_metric(server, "accountsd_database_connections_lost_total", DATABASE_CONNECTIONS);
    await_metric(server, connected, DATABASE_CONNECTIONS);
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"max_connections_lowered\""), "%s", log);
    cr_expect_null(strstr(log, "no file descriptor"), "%s", log);
    cr_expect_null(strstr(log, "Too many open files"), "%s", log);
    descriptors = process_descriptors(server->pid);
    cr_expect_leq(descriptors + ATTEMPT, OPEN_FILES, "%zu descriptors", descriptors);
    for (size_t i = 0; i < PROBES; i++)
        close(probes[i]);
    for (size_t i = 0; i < room + WAITING; i++)
        close(clients[i]);
    server_end(server);
    PQfinish(pg);
    free(log);
    free(named);
    free(name);
}
