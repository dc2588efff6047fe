#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arm.h"
#include "harness/fixture.h"
#include "harness/process.h"

/* Every call of an operation that can fail does so once: the first, then the second, until the operation
 * makes no more. Each time there is an answer, that of the operation or a 503, and the next request is
 * served. Then the same with all calls from the Nth on. The server is built with AddressSanitizer, and
 * LeakSanitizer checks at its end what failures left behind. Also, the wall clock is changed, and
 * responses cannot be sent. */

#define EVER 1000000000L
/* Far more calls than an operation makes. */
#define MAX_CALLS 5000
#define RECOVERY_MS 10000

TestSuite(torture, .timeout = 300);

static const struct {
    enum faults_kind kind;
    const char *name;
} kinds[] = {{FAULTS_ALLOCATION, "allocation"}, {FAULTS_LIBPQ, "libpq"}};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

struct bench {
    struct faults *faults;
    char faults_path[FAULTS_PATH_SIZE];
    PGconn *pg;
    struct account *account;
    struct server *server;
    char *name;
    long created;
    /* The id and the code of the newest invitation. */
    char invitation[128];
};

/* Starts the server, whose sessions have the bench's name. */
static void start(struct bench *bench)
{
    char *url = server_database_url(database_url()), *named = NULL;

    cr_assert_geq(asprintf(&named, "%s application_name=%s", url, bench->name), 0);
    bench->server = server_start(named, (const char *[]){"--workers", "1", "--database-connections", "1",
                                            "--database-timeout", "5000", "--queue-timeout", "5000", NULL});
    free(named);
    free(url);
}

static struct bench *bench_make(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    bench->faults = faults_share(bench->faults_path);
    bench->pg = database_connect(database_url());
    bench->account = account_make(bench->pg, "Client");
    cr_assert_geq(asprintf(&bench->name, "torture-%d", (int)getpid()), 0);
    start(bench);
    return bench;
}

static void bench_free(struct bench *bench)
{
    faults_unshare(bench->faults, bench->faults_path);
    account_free(bench->account);
    PQfinish(bench->pg);
    free(bench->name);
    free(bench);
}

static struct answer create(struct bench *bench)
{
    char *email = new_email(), *body = create_body(email, bench->account->id, bench->account->default_group);
    struct answer answer = post(bench->server, bench->account->token, body);

    bench->created += answer.status == 201;
    if (answer.status == 201) {
        struct member *member = member_of(answer.body);

        snprintf(bench->invitation, sizeof(bench->invitation), "%s/%s", member->id, member->code);
        member_free(member);
    }
    free(body);
    free(email);
    return answer;
}

static struct answer invalid(struct bench *bench)
{
    return post(bench->server, bench->account->token,
        "{\"user\":{\"email\":1,\"x\":[{}]},\"groups\":[{\"id\":\"UGR-1234-5678\"},{\"id\":\"UGR-1234-5678\"}"
        "]}");
}

static struct answer get(struct bench *bench)
{
    char *id = database_query(bench->pg,
        "select internal.account_user_id(min(key)) from accounts.account_user where account_key = "
        "internal.account_key($1)",
        bench->account->id, NULL);
    char path[128];

    snprintf(path, sizeof(path), ACCOUNT_USERS "/%s", id);
    free(id);
    return request(bench->server, "GET", path, bench->account->token, NULL, NULL);
}

static struct answer list(struct bench *bench)
{
    return request(bench->server, "GET", ACCOUNT_USERS "?ilike(user.name,%C3%A4*)&limit=3",
        bench->account->token, NULL, NULL);
}

/* The page of a new invitation. */
static struct answer page(struct bench *bench)
{
    char path[256];

    snprintf(path, sizeof(path), "/invitations/%s", bench->invitation);
    return request(bench->server, "GET", path, NULL, NULL, (const char *[]){"Accept-Language: de-AT", NULL});
}

static const struct operation {
    struct answer (*run)(struct bench *bench);
    long status;
} create_operation = {create, 201}, invalid_operation = {invalid, 400}, get_operation = {get, 200},
  list_operation = {list, 200}, page_operation = {page, 200};

static void assert_lives(struct bench *bench, long n)
{
    char *log;

    if (waitpid(bench->server->pid, NULL, WNOHANG) == 0)
        return;
    log = server_log(bench->server);
    cr_assert_fail("call %ld, of %s, ends the server: %s", n, bench->faults->caller, log);
    free(log);
}

/* After the failure the next request is served, at once unless an attempt to connect has failed. */
static void assert_recovers(struct bench *bench, const struct operation *operation, long n, long patience_ms)
{
    for (long waited = 0;; waited += 20) {
        struct answer answer = operation->run(bench);
        bool served = answer.status == operation->status;

        if (answer.status == 0)
            assert_lives(bench, n);
        if (!served && waited >= patience_ms)
            cr_assert_fail(
                "after call %ld, of %s: %ld %s", n, bench->faults->caller, answer.status, answer.text);
        answer_free(&answer);
        if (served)
            return;
        sleep_ms(20);
    }
}

static void expect_sound(
    struct bench *bench, const struct operation *operation, const struct answer *answer, long n)
{
    char *retry_after = answer_header(answer, "retry-after");

    cr_expect(answer->status == operation->status || answer->status == 503, "call %ld, of %s: %ld %s", n,
        bench->faults->caller, answer->status, answer->text);
    cr_expect_str_eq(retry_after, answer->status == 503 ? "1" : "", "call %ld", n);
    cr_expect(json_is_object(answer->body) || strncmp(answer->text, "<!doctype html>", 15) == 0,
        "call %ld, of %s: %s", n, bench->faults->caller, answer->text);
    free(retry_after);
}

static void fail_each(struct bench *bench, const struct operation *operation, enum faults_kind kind,
    long doomed, const char *what)
{
    long n = 0, failed;

    do {
        struct answer answer;

        cr_assert_lt(n, MAX_CALLS, "there is no end to the calls");
        faults_arm(bench->faults, kind, n, doomed);
        answer = operation->run(bench);
        failed = faults_disarm(bench->faults);
        n++;
        assert_lives(bench, n);
        expect_sound(bench, operation, &answer, n);
        answer_free(&answer);
        assert_recovers(bench, operation, n, doomed == 1 ? 0 : RECOVERY_MS);
    } while (failed > 0);
    cr_expect_gt(n, 1, "%s makes no call that could fail", what);
    printf("%s: %ld calls failed%s\n", what, n - 1, doomed == 1 ? ", one at a time" : ", and all after it");
}

/* Each call of a reconnection, and of the creates that wait for it, fails once, from the first on in
 * steps. */
static void fail_each_of_connecting(
    struct bench *bench, enum faults_kind kind, long first, long step, const char *what)
{
    long n = first, failed;

    do {
        cr_assert_lt(n, MAX_CALLS, "there is no end to the calls");
        faults_arm(bench->faults, kind, n, 1);
        free(database_query(bench->pg,
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1",
            bench->name, NULL));
        n += step;
        assert_recovers(bench, &create_operation, n, RECOVERY_MS);
        failed = faults_disarm(bench->faults);
        assert_lives(bench, n);
    } while (failed > 0);
    cr_expect_gt(n, first + step, "connecting makes no call that could fail");
    printf("connecting, %s: %ld calls failed, one at a time\n", what, (n - first) / step - 1);
}

/* The connection is idle, and everything acknowledged with 201 exists completely. */
static void expect_nothing_stuck(struct bench *bench)
{
    char *state = database_query(bench->pg,
        "select string_agg(state, ',') from pg_stat_activity where application_name = $1", bench->name, NULL);
    char *counts = database_query(bench->pg,
        "select concat_ws(' ', count(distinct u.key), count(distinct u.person_key), count(distinct i.key),"
        " count(distinct l.account_user_key))"
        " from accounts.account_user as u"
        " left join accounts.invitation as i on i.account_user_key = u.key and i.status = 'Open'"
        " left join accounts.account_user_group as l on l.account_user_key = u.key"
        " where u.account_key = internal.account_key($1)",
        bench->account->id, NULL);
    long members, people, invitations, groups;

    cr_expect_str_eq(state, "idle");
    cr_assert_eq(
        sscanf(counts, "%ld %ld %ld %ld", &members, &people, &invitations, &groups), 4, "%s", counts);
    cr_expect(members == people && members == invitations && members == groups, "%s", counts);
    cr_expect_geq(members, bench->created);
    free(counts);
    free(state);
}

static void torture(const struct operation *operation, const char *what)
{
    struct bench *bench = bench_make();

    /* An object to get exists, and what is created once has been created. */
    assert_recovers(bench, &create_operation, 0, RECOVERY_MS);
    assert_recovers(bench, operation, 0, 0);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        char name[64];

        if (operation == &invalid_operation && kinds[i].kind == FAULTS_LIBPQ)
            continue;
        snprintf(name, sizeof(name), "%s, %s", what, kinds[i].name);
        fail_each(bench, operation, kinds[i].kind, 1, name);
        fail_each(bench, operation, kinds[i].kind, EVER, name);
    }
    expect_nothing_stuck(bench);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

/* Each failed attempt delays the next one, so the test is split into two halves, which run concurrently. */
static void torture_connecting(long first)
{
    struct bench *bench = bench_make();

    assert_recovers(bench, &create_operation, 0, RECOVERY_MS);
    for (size_t i = 0; i < KIND_COUNT; i++)
        fail_each_of_connecting(bench, kinds[i].kind, first, 2, kinds[i].name);
    expect_nothing_stuck(bench);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

Test(torture, connecting_even_calls)
{
    torture_connecting(0);
}

Test(torture, connecting_odd_calls)
{
    torture_connecting(1);
}

/* Waits until the connector has finished, and its thread is idle. */
static void await_connection(struct bench *bench)
{
    for (long waited = 0; waited < RECOVERY_MS; waited += 100) {
        char *idle = database_query(bench->pg,
            "select count(*) from pg_stat_activity"
            " where application_name = $1 and state = 'idle' and query like '%from pg_settings%'",
            bench->name, NULL);
        bool is_there = strcmp(idle, "1") == 0;

        free(idle);
        sleep_ms(100);
        if (is_there)
            return;
    }
    cr_assert_fail("the server does not connect");
}

/* Libraries initialise themselves at their first use; if that fails, they try again later. */
Test(torture, the_first_request_of_a_server)
{
    struct bench *bench = bench_make();

    for (long n = 0; n < 3; n++) {
        struct answer answer;

        await_connection(bench);
        faults_arm(bench->faults, FAULTS_ALLOCATION, n, 1);
        answer = create(bench);
        cr_expect_eq(faults_disarm(bench->faults), 1);
        expect_sound(bench, &create_operation, &answer, n + 1);
        answer_free(&answer);
        assert_recovers(bench, &create_operation, n + 1, 0);
        cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
        start(bench);
    }
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

Test(torture, create)
{
    torture(&create_operation, "create");
}

Test(torture, invalid_create)
{
    torture(&invalid_operation, "invalid create");
}

Test(torture, get)
{
    torture(&get_operation, "get");
}

Test(torture, page)
{
    torture(&page_operation, "page");
}

static size_t count_families(const char *text)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, "# TYPE ")) != NULL; at++)
        count++;
    return count;
}

/* Complete, or no answer. */
Test(torture, metrics)
{
    struct bench *bench = bench_make();
    struct answer whole = telemetry_get(bench->server, "/metrics");
    size_t families = count_families(whole.text);
    long failed = 1;

    cr_assert_eq(whole.status, 200);
    answer_free(&whole);
    for (long n = 0; failed > 0; n++) {
        struct answer answer;

        faults_arm(bench->faults, FAULTS_ALLOCATION, n, 1);
        answer = telemetry_get(bench->server, "/metrics");
        failed = faults_disarm(bench->faults);
        if (answer.status == 0)
            assert_lives(bench, n);
        if (answer.status == 200)
            cr_expect_eq(count_families(answer.text), families, "call %ld, of %s: %zu of %zu families", n,
                bench->faults->caller, count_families(answer.text), families);
        else
            cr_expect_eq(answer.status, 503, "call %ld, of %s: %ld %s", n, bench->faults->caller,
                answer.status, answer.text);
        answer_free(&answer);
    }
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

/* Without prepared statements, which uses another function of libpq. */
Test(torture, list)
{
    setenv("ACCOUNTSD_PREPARED_STATEMENTS", "0", 1);
    torture(&list_operation, "list");
}

/* A create as bytes; the caller frees it. */
static char *create_request(struct bench *bench)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *text = NULL;

    cr_assert_geq(asprintf(&text,
                      "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      bench->account->token, strlen(body), body),
        0);
    free(body);
    free(email);
    return text;
}

/* Sends a create that waits for a lock of pg's, and returns the connection once it waits. */
static int begin_create(struct bench *bench)
{
    char *text = create_request(bench), *waits;
    int fd = connect_raw(bench->server);

    free(database_query(bench->pg, "begin", NULL));
    free(database_query(bench->pg,
        "select key from accounts.account where key = internal.account_key($1) for update",
        bench->account->id, NULL));
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    for (int i = 0;; i++) {
        waits = database_query(bench->pg,
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any "
            "(pg_blocking_pids(pid)))",
            NULL);
        if (strcmp(waits, "t") == 0)
            break;
        cr_assert_lt(i, 150, "the create does not wait");
        free(waits);
        sleep_ms(10);
    }
    free(waits);
    free(text);
    return fd;
}

static void expect_status(int fd, const char *status, long step)
{
    char answer[4096] = "";

    cr_expect_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0, "no answer after a step of %ld s", step);
    cr_expect_eq(
        strncmp(answer + strlen("HTTP/1.1 "), status, 3), 0, "after a step of %ld s: %s", step, answer);
    close(fd);
}

/* A silent connection to the telemetry port ends exactly when its time is up. */
static void expect_ended(int fd, long started_us, long step)
{
    long ms;

    cr_expect_eq(recv(fd, &(char){0}, 1, 0), 0, "telemetry after a step of %ld s", step);
    ms = (now_us() - started_us) / 1000;
    cr_expect(ms >= 2000 && ms <= 3000, "telemetry after a step of %ld s: %ld ms", step, ms);
    close(fd);
}

/* Deadlines pass as without the change: none early, none late. */
Test(torture, the_wall_clock_is_set)
{
    static const char half[] = "POST /a HTTP/1.1\r\nHost: a\r\n";
    static const long steps[] = {3600, -3600, -7200, 86400};
    struct bench *bench;

    setenv("ACCOUNTSD_REQUEST_TIMEOUT", "2000", 1);
    bench = bench_make();
    assert_recovers(bench, &create_operation, 0, RECOVERY_MS);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        long started = now_us();
        int silent = connect_telemetry_raw(bench->server), waiting = begin_create(bench),
            arriving = connect_raw(bench->server);

        cr_assert_eq(send(arriving, half, strlen(half), MSG_NOSIGNAL), (ssize_t)strlen(half));
        sleep_ms(100);
        atomic_store(&bench->faults->clock_step_seconds, steps[i]);
        sleep_ms(300);
        free(database_query(bench->pg, "commit", NULL));
        expect_status(waiting, "201", steps[i]);
        assert_recovers(bench, &create_operation, 0, 0);
        expect_ended(silent, started, steps[i]);
        expect_status(arriving, "408", steps[i]);
    }
    /* Threads are joined; without that, LeakSanitizer would report what they own. */
    atomic_store(&bench->faults->clock_step_seconds, -86400);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

/* The client's end arrives while the refusal cannot be sent. */
Test(torture, a_refused_request_does_not_run)
{
    char answer[65536] = "", *text, *members;
    size_t len = 0, half;
    ssize_t got;
    struct bench *bench;
    int fd;

    setenv("ACCOUNTSD_REQUEST_TIMEOUT", "1000", 1);
    bench = bench_make();
    text = create_request(bench);
    half = strlen(text) - 10;
    fd = connect_raw(bench->server);
    cr_assert_eq(send(fd, text, half, MSG_NOSIGNAL), (ssize_t)half);
    atomic_store(&bench->faults->is_output_blocked, true);
    await_logged(bench->server, "\"status\":408,");
    cr_assert_eq(send(fd, text + half, 10, MSG_NOSIGNAL), 10);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    sleep_ms(100);
    atomic_store(&bench->faults->is_output_blocked, false);
    while ((got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)got;
    cr_expect_eq(got, 0, "the connection is reset");
    cr_expect_eq(strncmp(answer, "HTTP/1.1 408 ", 13), 0, "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1 "), "%s", answer);
    members = database_query(bench->pg,
        "select count(*) from accounts.account_user where account_key = internal.account_key($1)",
        bench->account->id, NULL);
    cr_expect_str_eq(members, "0");
    free(members);
    free(text);
    close(fd);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}
