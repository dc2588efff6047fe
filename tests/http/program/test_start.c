#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/metric.h"

/* The start: with errors, without a database, and with a signal to stop meanwhile. */

TestSuite(start, .timeout = 120);

static void assert_refuses(const char *const *arguments, const char *reason)
{
    char *said;
    int status = server_run(arguments, &said);
    size_t lines = 0;

    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    cr_expect_eq(status, 1, "status %d: %s", status, said);
    cr_expect(strstr(said, reason) != NULL, "not \"%s\": %s", reason, said);
    cr_expect_eq(lines, 1, "%s", said);
    free(said);
}

Test(start, a_failed_start_is_reported_in_one_line)
{
    char *url = server_database_url(database_url());
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char port[8];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    snprintf(port, sizeof(port), "%d", ntohs(address.sin_port));
    assert_refuses((const char *[]){"--database-url", url, "--port", port, NULL}, "Address already in use");
    close(fd);
    assert_refuses(
        (const char *[]){"--database-url", "host=/nowhere dbname=x", "--port", "0", "--fail-fast", NULL},
        "cannot reach the database");
    assert_refuses((const char *[]){"deliver", "--database-url", "host=/nowhere dbname=x", "--fail-fast",
                       "--mail-directory=/tmp", "--mail-from=a@example.test", NULL},
        "cannot reach the database");
    assert_refuses((const char *[]){"--database-url", url, "--listen-address", "nowhere", NULL},
        "--listen-address: is not an IP address");
    assert_refuses((const char *[]){"--port", "99999", NULL}, "is not a number from 0 to 65535");
    free(url);
}

/* versions: of the schema, and of the oldest compatible server; NULL: no schema. */
static void set_schema_version(const struct scratch *scratch, const char *versions)
{
    char *sql = NULL;

    free(database_query(scratch->pg, "drop schema if exists api cascade", NULL));
    if (versions == NULL)
        return;
    free(database_query(scratch->pg, "create schema api", NULL));
    cr_assert_geq(
        asprintf(&sql,
            "create function api.schema_version(out version int, out oldest_server int) language sql as "
            "'select %s'",
            versions),
        0);
    free(database_query(scratch->pg, sql, NULL));
    free(sql);
}

Test(start, an_unsupported_schema_is_refused)
{
    static const char *const rows[][2] = {{NULL, "the schema is too old: it has no api.schema_version()"},
        {"0, 0", "the schema is too old: it is version 0"},
        {"9, 9", "the schema is too new: it is version 9"}};
    struct scratch *scratch = scratch_make("start", false);

    for (size_t i = 0; i < COUNT(rows); i++) {
        set_schema_version(scratch, rows[i][0]);
        assert_refuses(
            (const char *[]){"--database-url", scratch->url, "--port", "0", "--fail-fast", NULL}, rows[i][1]);
    }
    scratch_free(scratch);
}

Test(start, a_newer_compatible_schema_is_accepted)
{
    struct scratch *scratch = scratch_make("start", false);
    struct server *server;

    set_schema_version(scratch, "9, 0");
    /* Without functions nothing can be prepared. */
    server = server_start(scratch->url, (const char *[]){"--prepared-statements", "0", NULL});
    server_end(server);
    scratch_free(scratch);
}

#define MAIL_OPTIONS "--mail-directory=/tmp", "--mail-from=a@example.test"

static void expect_live(const struct server *server)
{
    struct answer answer = telemetry_get(server, "/live");

    cr_expect_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
    answer_free(&answer);
}

Test(start, may_precede_the_database)
{
    struct cluster *cluster = cluster_start("start");
    PGconn *pg = database_connect(cluster->url);
    struct account *account = account_make(pg, "Client");
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct server *servers[2];
    struct answer answer;

    PQfinish(pg);
    cluster_run(cluster, "stop", "fast");
    servers[0] = server_start(cluster->server_url, NULL);
    /* The role does not matter while the database is not reachable. */
    servers[1] = server_start_deliver(cluster->url, (const char *[]){MAIL_OPTIONS, NULL});
    for (size_t i = 0; i < 2; i++) {
        await_ready(servers[i], 503, "has no database connection");
        expect_live(servers[i]);
    }
    await_logged(servers[0], "\"event\":\"database_connect_failed\"");
    await_logged(servers[1], "\"event\":\"database_unavailable\"");
    await_status(servers[0], account, 503);
    answer = post(servers[0], account->token, "{}");
    cr_expect_eq(answer.status, 400, "%ld", answer.status);
    answer_free(&answer);

    cluster_run(cluster, "start", "");
    for (size_t i = 0; i < 2; i++) {
        await_ready(servers[i], 200, "pass");
        await_logged(servers[i], "\"event\":\"database_connected\"");
    }
    answer = post(servers[0], account->token, body);
    cr_expect_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    answer_free(&answer);
    server_end(servers[0]);
    server_end(servers[1]);
    account_free(account);
    free(body);
    free(email);
    cluster_remove(cluster);
}

/* It logs the reason once for any number of attempts, and again when the reason changes. */
Test(start, may_precede_the_migrations)
{
    struct scratch *scratch = scratch_make("start", false);
    struct server *server =
        server_start(scratch->url, (const char *[]){"--workers", "1", "--prepared-statements", "0", NULL});

    await_ready(server, 503, "found a schema that this server does not support");
    expect_live(server);
    await_logged(server, "it has no api.schema_version()");
    sleep_ms(3000);
    cr_expect_eq(server_log_count(server, "\"event\":\"database_connect_failed\""), 1);
    set_schema_version(scratch, "0, 0");
    await_logged(server, "it is version 0");
    set_schema_version(scratch, "9, 0");
    await_ready(server, 200, "pass");
    cr_expect_eq(server_log_count(server, "\"event\":\"database_connect_failed\""), 2);
    cr_expect_eq(server_log_count(server, "\"event\":\"database_connected\""), 1);
    server_end(server);
    scratch_free(scratch);
}

/* As with a wrong password: the database refuses the login until an operator corrects it. */
Test(start, may_precede_the_login)
{
    char *base = server_database_url(database_url()), *url = NULL, *role = NULL, *sql = NULL;
    PGconn *pg = database_connect(database_url());
    struct server *servers[2];

    cr_assert_geq(asprintf(&role, "latecomer_%d", (int)getpid()), 0);
    cr_assert_geq(asprintf(&url, "%s user=%s", base, role), 0);
    servers[0] = server_start(url, (const char *[]){"--workers", "1", NULL});
    servers[1] = server_start_deliver(url, (const char *[]){MAIL_OPTIONS, NULL});
    for (size_t i = 0; i < 2; i++) {
        await_ready(servers[i], 503, "has no database connection");
        expect_live(servers[i]);
        await_logged(servers[i], "does not exist");
    }
    sleep_ms(3000);
    cr_expect_eq(server_log_count(servers[0], "\"event\":\"database_connect_failed\""), 1);
    cr_expect_eq(server_log_count(servers[1], "\"event\":\"database_unavailable\""), 1);
    cr_assert_geq(
        asprintf(&sql, "create role %s login in role accountsd_server, accountsd_delivery", role), 0);
    free(database_query(pg, sql, NULL));
    for (size_t i = 0; i < 2; i++)
        await_ready(servers[i], 200, "pass");
    server_end(servers[0]);
    server_end(servers[1]);
    free(sql);
    cr_assert_geq(asprintf(&sql, "drop role %s", role), 0);
    free(database_query(pg, sql, NULL));
    PQfinish(pg);
    free(sql);
    free(role);
    free(url);
    free(base);
}

/* libpq's notices at the start of a session are not lines of the log. */
Test(start, logs_no_notice_of_libpq)
{
    struct scratch *scratch = scratch_make("start", false);
    struct server *server;
    char *sql = NULL, *log, *rest, *line;

    set_schema_version(scratch, "9, 0");
    cr_assert_geq(
        asprintf(&sql, "update pg_database set datcollversion = '0' where datname = '%s'", scratch->name), 0);
    free(database_query(scratch->pg, sql, NULL));
    server = server_start(scratch->url, (const char *[]){"--prepared-statements", "0", NULL});
    await_ready(server, 200, "pass");
    log = rest = server_log(server);
    while ((line = strsep(&rest, "\n")) != NULL)
        cr_expect(*line == '\0' || *line == '{', "%s", line);
    free(log);
    free(sql);
    server_end(server);
    scratch_free(scratch);
}

/* A database that accepts connections and sends nothing. */
struct silence {
    int fd;
    char url[128];
};

static void silence_start(struct silence *silence)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    silence->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(silence->fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(silence->fd, 16), 0);
    getsockname(silence->fd, (struct sockaddr *)&address, &len);
    snprintf(silence->url, sizeof(silence->url), "postgresql://u@127.0.0.1:%d/x", ntohs(address.sin_port));
}

/* Whether a client connects within a time. */
static bool silence_is_called(const struct silence *silence, int ms)
{
    struct pollfd fd = {.fd = silence->fd, .events = POLLIN};

    if (poll(&fd, 1, ms) <= 0)
        return false;
    cr_assert_geq(accept(silence->fd, NULL, NULL), 0);
    return true;
}

#define PATIENCE "--database-connect-timeout", "60"

Test(start, ends_at_once_on_a_stop_signal)
{
    static const char *const rows[][16] = {
        {PATIENCE, "--port=0", "--telemetry-port=0", "--workers=1"},
        {PATIENCE, "--port=0", "--telemetry-port=0", "--workers=1", "--fail-fast"},
        {"deliver", PATIENCE, MAIL_OPTIONS, "--telemetry-port=0"},
        {"deliver", PATIENCE, MAIL_OPTIONS, "--telemetry-port=0", "--fail-fast"},
    };
    static const int signals[] = {SIGTERM, SIGINT};
    struct silence silence;

    silence_start(&silence);
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        const char *arguments[20] = {NULL};
        size_t count = 0;
        struct server *server;
        long begun;

        for (; rows[i / 2][count] != NULL; count++)
            arguments[count] = rows[i / 2][count];
        arguments[count++] = "--database-url";
        arguments[count++] = silence.url;
        server = server_spawn(arguments);
        cr_assert(silence_is_called(&silence, 10000), "row %zu", i / 2);
        begun = now_us();
        cr_expect_eq(server_stop(server, signals[i % 2]), 0, "row %zu", i / 2);
        cr_expect_lt(now_us() - begun, 2000000, "row %zu: after %ld ms", i / 2, (now_us() - begun) / 1000);
    }
    close(silence.fd);
}

/* An attempt that is cancelled is followed by another. */
Test(start, sighup_cancels_nothing)
{
    struct silence silence;
    struct server *servers[2];

    silence_start(&silence);
    for (size_t i = 0; i < 2; i++) {
        servers[i] = i == 0
                         ? server_start(silence.url, (const char *[]){PATIENCE, "--workers", "1", NULL})
                         : server_start_deliver(silence.url, (const char *[]){PATIENCE, MAIL_OPTIONS, NULL});
        cr_assert(silence_is_called(&silence, 10000));
        for (int times = 0; times < 3; times++) {
            kill(servers[i]->pid, SIGHUP);
            cr_expect_not(silence_is_called(&silence, 700), "server %zu connects again", i);
        }
        expect_live(servers[i]);
    }
    server_end(servers[0]);
    server_end(servers[1]);
    close(silence.fd);
}
