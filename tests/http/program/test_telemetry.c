#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/fixture.h"
#include "harness/flood.h"
#include "harness/metric.h"
#include "harness/process.h"

/* The telemetry port: /live, /ready, /metrics. */

#define TRIES 1000
#define PASS "{\"status\":\"pass\"}"

static PGconn *pg;
static struct account *account;
static char *server_url;

static void set_up(void)
{
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    server_url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(server_url);
    account_free(account);
    PQfinish(pg);
}

TestSuite(telemetry, .init = set_up, .fini = tear_down, .timeout = 240);

/* Asks until the answer has the status and contains the text; it must always be JSON. */
static void await_health(const struct server *server, const char *path, long status, const char *part)
{
    for (int i = 0; i < TRIES; i++) {
        struct answer answer = telemetry_get(server, path);
        bool came = answer.status == status && strstr(answer.text, part) != NULL;

        cr_assert_not_null(answer.body, "%s: %s", path, answer.text);
        expect_header(&answer, "content-type", "application/json");
        cr_expect_eq(answer.status == 200, strcmp(answer.text, PASS) == 0, "%s", answer.text);
        answer_free(&answer);
        if (came)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("%s is never %ld with %s", path, status, part);
}

static char *metrics_of(const struct server *server)
{
    struct answer answer = telemetry_get(server, "/metrics");
    char *text = strdup(answer.text);

    cr_assert_eq(answer.status, 200);
    expect_header(&answer, "content-type", "text/plain; version=0.0.4; charset=utf-8");
    answer_free(&answer);
    return text;
}

#define BASE "/public/v1/accounts"
#define REQUESTS(method, route, status)                                                                      \
    "accountsd_http_requests_total{method=\"" method "\",route=\"" route "\",status=\"" status "\"}"

Test(telemetry, counts_requests_and_connections)
{
    struct server *server = server_start(server_url, NULL);
    char *metrics;
    struct member *member;
    char *path;

    member = member_invite_new(server, account);
    path = member_path(member, PATH_OF_ACCOUNT_USER, "");
    for (int i = 0; i < 3; i++) {
        struct answer answer = request(server, "GET", path, account->token, NULL, NULL);

        cr_expect_eq(answer.status, 200);
        answer_free(&answer);
    }
    /* A request is counted when its response has been sent, which may be after the client has read it. */
    await_metric(server, REQUESTS("GET", ACCOUNT_USERS "/{accountUser}", "200"), 3);
    await_metric(server, REQUESTS("POST", ACCOUNT_USERS, "201"), 1);
    metrics = metrics_of(server);
    cr_expect_eq(metric_in(metrics,
                     "accountsd_http_request_duration_seconds_count{method=\"POST\",route=\"" ACCOUNT_USERS
                     "\",status=\"201\"}"),
        1);
    cr_expect_eq(metric_in(metrics, "accountsd_database_set_size_count"), 4);
    cr_expect_eq(metric_in(metrics, "accountsd_database_set_size_sum"), 4);
    cr_expect_eq(metric_in(metrics, "accountsd_database_queue_wait_seconds_count"), 4);
    cr_expect_eq(metric_in(metrics, "accountsd_database_queue_length"), 0);
    cr_expect_eq(metric_in(metrics, "accountsd_database_queue_capacity"), 2048);
    cr_expect_eq(metric_in(metrics, "accountsd_database_call_duration_seconds_count{statement=\"read\"}"), 3);
    cr_expect_eq(metric_in(metrics, "accountsd_client_connections_accepted_total"), 4);
    cr_expect_eq(metric_in(metrics, "accountsd_client_connections"), 0);
    cr_expect_eq(metric_in(metrics, "accountsd_http_requests_in_flight"), 0);
    cr_expect_eq(metric_in(metrics, "accountsd_draining_workers"), 0);
    cr_expect_not_null(strstr(metrics, "\naccountsd_build_info{"));
    cr_expect_leq(metric_in(metrics, "process_start_time_seconds"), (double)time(NULL) + 1);
    cr_expect_geq(metric_in(metrics, "process_start_time_seconds"), (double)time(NULL) - 60);
    cr_expect_gt(metric_in(metrics, "process_resident_memory_bytes"), 1e6);
    cr_expect_gt(metric_in(metrics, "process_open_fds"), 5);
    cr_expect_geq(metric_in(metrics, "process_cpu_seconds_total"), 0);
    await_metric(server, "accountsd_database_connections{state=\"idle\"}", 4);
    /* Two workers, their connectors, the telemetry, the log, the signals and main. */
    await_metric(server, "process_threads", 8);
    free(metrics);
    free(path);
    member_free(member);
    server_end(server);
}

/* Waits in the queue, busy connections and refusals, while a lock blocks the only connection. */
Test(telemetry, shows_the_queue)
{
    struct server *server = server_start(
        server_url, (const char *[]){"--workers", "1", "--database-connections", "1", "--set-size", "1",
                        "--queue-size", "4", "--queue-timeout", "60000", NULL});
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    pid_t clients[4];
    struct answer known;

    await_metric(server, "accountsd_database_connections{state=\"idle\"}", 1);
    /* From now on the server has the token in its cache. */
    known = request(server, "GET", ACCOUNT_USERS "?limit=0", account->token, NULL, NULL);
    cr_assert_eq(known.status, 200);
    answer_free(&known);
    account_lock(pg, account);
    for (size_t i = 0; i < 4; i++) {
        clients[i] = fork();
        cr_assert_geq(clients[i], 0);
        if (clients[i] == 0) {
            struct answer answer = post(server, account->token, body);

            _exit(answer.status == 201 ? 0 : answer.status == 503 ? 1 : 2);
        }
        await_metric(server, "accountsd_http_requests_in_flight", i < 3 ? (double)i + 1 : 3);
    }
    await_metric(server, "accountsd_database_connections{state=\"busy\"}", 1);
    await_metric(server, "accountsd_database_queue_length", 2);
    await_metric(server, "accountsd_database_queue_refusals_total{reason=\"share\"}", 1);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < 4; i++) {
        int status;

        cr_assert_eq(waitpid(clients[i], &status, 0), clients[i]);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == (i == 3), "client %zu: %x", i, status);
    }
    await_metric(server, "accountsd_database_queue_length", 0);
    await_metric(server, "accountsd_database_connections{state=\"idle\"}", 1);
    await_metric(server, REQUESTS("POST", ACCOUNT_USERS, "503"), 1);
    await_metric(server, REQUESTS("POST", ACCOUNT_USERS, "201"), 3);
    free(body);
    free(email);
    server_end(server);
}

/* Terminates the database connections with an application_name. */
static void cut_connections(const char *application)
{
    free(database_query(pg,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1",
        application, NULL));
}

Test(telemetry, counts_errors_and_lost_connections)
{
    char *url = NULL, *email = new_email(), *body = create_body(email, NULL, NULL);
    struct server *server;
    struct answer answer;

    cr_assert_geq(asprintf(&url, "%s application_name=telemetry-%d options='-c lock_timeout=100'", server_url,
                      (int)getpid()),
        0);
    server = server_start(url, NULL);
    await_metric(server, "accountsd_database_connections{state=\"idle\"}", 4);
    account_lock(pg, account);
    answer = post(server, account->token, body);
    cr_expect_eq(answer.status, 503, "%s", answer.text);
    answer_free(&answer);
    free(database_query(pg, "commit", NULL));
    await_metric(server, "accountsd_database_errors_total{class=\"55\"}", 1);

    free(url);
    cr_assert_geq(asprintf(&url, "telemetry-%d", (int)getpid()), 0);
    cut_connections(url);
    await_metric(server, "accountsd_database_connections_lost_total", 4);
    await_metric(server, "accountsd_database_connections{state=\"idle\"}", 4);
    await_metric(server, "accountsd_database_connection_attempts_total", 8);
    await_metric(server, "accountsd_database_connection_failures_total", 0);
    free(url);
    free(body);
    free(email);
    server_end(server);
}

struct strange {
    size_t unanswered;
    /* Requests with unknown methods. */
    size_t unknown;
};

/* Paths, ids, methods and queries that are unknown, each only once. */
static char *strange_request(void *data, size_t index, enum flood_manner *manner)
{
    static const char *const targets[] = {"/%zx/%zx", BASE "/account-users/AUSR-%04zu-%04zu-0000",
        BASE "/accounts/ACC-%04zu-%04zu/users?a=%zu", BASE "/account-users?x%zu=%zu", "/%%%zx?%zx"};
    static const char *const methods[] = {"GET", "M%zu", "POST", "DELETE", "BREW%zu", "PUT"};
    struct strange *strange = data;
    char target[128], method[32], *bytes = NULL;

    (void)manner;
    strange->unknown += index % 6 % 3 == 1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(target, sizeof(target), targets[index % 5], index, index, index);
    snprintf(method, sizeof(method), methods[index % 6], index);
#pragma GCC diagnostic pop
    cr_assert_geq(asprintf(&bytes, "%s %s HTTP/1.1\r\nHost: h%zu\r\nX-%zu: %zu\r\n\r\n", method, target,
                      index, index, index),
        0);
    return bytes;
}

static void on_strange_answer(void *data, size_t index, const struct answer *answer)
{
    struct strange *strange = data;

    (void)index;
    strange->unanswered += answer->status < 400 || (answer->status >= 500 && answer->status != 501);
}

static size_t count_series(const char *metrics)
{
    size_t count = 0;

    for (const char *at = metrics; (at = strchr(at, '\n')) != NULL; at++)
        count += at[1] != '#' && at[1] != '\0';
    return count;
}

/* The first 100 requests cover all routes, methods and statuses. */
Test(telemetry, series_do_not_grow_with_what_clients_send)
{
    struct server *server = server_start(server_url, NULL);
    struct strange strange = {0};
    struct flood flood = {&server, 1, 100, &strange, strange_request, on_strange_answer, false};
    char *few, *many;

    flood_run(&flood);
    await_metric(server, "accountsd_http_requests_in_flight", 0);
    few = metrics_of(server);
    flood.count = 10000;
    flood_run(&flood);
    cr_expect_eq(strange.unanswered, 0, "%zu", strange.unanswered);
    await_metric(server, "accountsd_http_requests_in_flight", 0);
    many = metrics_of(server);
    cr_expect_eq(count_series(few), count_series(many), "%zu series after 100 requests, %zu after 10,100",
        count_series(few), count_series(many));
    cr_expect_eq(metric_in(many, REQUESTS("other", "none", "501")), (double)strange.unknown);
    free(few);
    free(many);
    server_end(server);
}

/* The ids of a process's threads with a name. */
static size_t threads_of(pid_t pid, const char *name, pid_t *tids, size_t max)
{
    char path[300], line[64];
    DIR *dir;
    size_t count = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    cr_assert_not_null(dir = opendir(path));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)pid, entry->d_name);
        if (entry->d_name[0] == '.' || (file = fopen(path, "r")) == NULL)
            continue;
        if (fgets(line, sizeof(line), file) != NULL && count < max) {
            line[strcspn(line, "\n")] = '\0';
            if (strcmp(line, name) == 0)
                tids[count++] = atoi(entry->d_name);
        }
        fclose(file);
    }
    closedir(dir);
    return count;
}

/* The thread of one worker is stopped, as by an endless loop. */
Test(telemetry, a_stuck_worker_is_noticed)
{
    struct server *server = server_start(server_url, (const char *[]){"--stall-timeout", "2000", NULL});
    pid_t tids[4];
    int status;

    await_health(server, "/ready", 200, PASS);
    cr_assert_eq(threads_of(server->pid, "worker", tids, 4), 2);
    cr_assert_eq(ptrace(PTRACE_SEIZE, tids[1], NULL, NULL), 0);
    cr_assert_eq(ptrace(PTRACE_INTERRUPT, tids[1], NULL, NULL), 0);
    cr_assert_eq(waitpid(tids[1], &status, __WALL), tids[1]);
    await_health(server, "/live", 503, " is stuck: its event loop does not run\"]}");
    await_health(server, "/ready", 503, " is stuck: its event loop does not run\"]}");
    cr_assert_eq(ptrace(PTRACE_DETACH, tids[1], NULL, NULL), 0);
    await_health(server, "/live", 200, PASS);
    await_health(server, "/ready", 200, PASS);
    server_end(server);
}

Test(telemetry, an_idle_server_stays_live)
{
    struct server *server = server_start(server_url, (const char *[]){"--stall-timeout", "2000", NULL});

    for (int i = 0; i < 40; i++) {
        struct answer answer = telemetry_get(server, "/live");

        cr_assert_eq(answer.status, 200, "%s", answer.text);
        answer_free(&answer);
        sleep_ms(100);
    }
    server_end(server);
}

/* A database of the test's own, whose schema and access it changes. */
Test(telemetry, readiness_follows_the_database_and_its_schema)
{
    char *name = NULL, *sql = NULL, *url = NULL;
    struct server *server;
    PGconn *scratch;

    cr_assert_geq(asprintf(&name, "telemetry_test_%d", (int)getpid()), 0);
    cr_assert_geq(asprintf(&sql, "create database %s", name), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    cr_assert_geq(
        asprintf(&url, "%s user=postgres dbname=%s application_name=%s", server_url, name, name), 0);
    scratch = database_connect(url);
    free(database_query(scratch, "create schema api", NULL));
    free(database_query(scratch,
        "create function api.schema_version(out version int, out oldest_server int) language sql as "
        "'select 98, 1'",
        NULL));
    PQfinish(scratch);
    /* Without functions nothing can be prepared. */
    server = server_start(url, (const char *[]){"--prepared-statements", "0", NULL});
    await_health(server, "/ready", 200, PASS);

    cr_assert_geq(asprintf(&sql, "alter database %s allow_connections false", name), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    cut_connections(name);
    await_health(server, "/ready", 503,
        "[\"worker 0 has no database connection\",\"worker 1 has no database connection\"]");
    await_health(server, "/live", 200, PASS);
    await_metric_between(server, "accountsd_database_connection_failures_total", 1, INFINITY);

    cr_assert_geq(asprintf(&sql, "alter database %s allow_connections true", name), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    await_health(server, "/ready", 200, PASS);

    scratch = database_connect(url);
    free(database_query(scratch,
        "create or replace function api.schema_version(out version int, out oldest_server int) language sql "
        "as 'select 99, 99'",
        NULL));
    PQfinish(scratch);
    cut_connections(name);
    await_health(server, "/ready", 503, " found a schema that this server does not support");
    await_health(server, "/live", 200, PASS);

    server_end(server);
    cr_assert_geq(asprintf(&sql, "drop database %s", name), 0);
    free(database_query(pg, sql, NULL));
    free(sql);
    free(name);
    free(url);
}

/* During the delay no request is refused, and clients are asked to close persistent connections. */
Test(telemetry, draining_is_reported_before_the_port_is_closed)
{
    struct server *server = server_start(server_url, (const char *[]){"--drain-delay", "60000", NULL});
    struct answer answer;

    await_health(server, "/ready", 200, PASS);
    answer = request(server, "GET", "/x", NULL, NULL, NULL);
    expect_header(&answer, "connection", "keep-alive");
    answer_free(&answer);

    kill(server->pid, SIGTERM);
    await_health(server, "/ready", 503, "worker 1 is draining: the server is stopping");
    await_health(server, "/live", 200, PASS);
    await_metric(server, "accountsd_draining_workers", 2);
    answer = request(server, "GET", "/x", NULL, NULL, NULL);
    cr_expect_eq(answer.status, 404);
    expect_header(&answer, "connection", "close");
    answer_free(&answer);
    /* The second signal ends the delay. */
    server_end(server);
}
