#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "bench.h"
#include "harness/process.h"

/* Every call of an operation that can fail does so once: the first, then the second, until the operation
 * makes no more. Each time there is an answer, that of the operation or a 503, and the next request is
 * served. Then the same with all calls from the Nth on. The server is built with AddressSanitizer, and
 * LeakSanitizer checks at its end what failures left behind. */

#define EVER 1000000000L
/* Far more calls than an operation makes. */
#define MAX_CALLS 5000

TestSuite(torture, .timeout = 300);

static const struct {
    enum faults_kind kind;
    const char *name;
} kinds[] = {{FAULTS_ALLOCATION, "allocation"}, {FAULTS_LIBPQ, "libpq"}};
#define KIND_COUNT COUNT(kinds)

static void expect_valid(
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
    long failure_count, const char *what)
{
    long n = 0, failed;

    do {
        struct answer answer;

        cr_assert_lt(n, MAX_CALLS, "there is no end to the calls");
        faults_arm(bench->faults, kind, n, failure_count);
        answer = operation->run(bench);
        failed = faults_disarm(bench->faults);
        n++;
        assert_lives(bench, n);
        expect_valid(bench, operation, &answer, n);
        answer_free(&answer);
        assert_recovers(bench, operation, n, failure_count == 1 ? 0 : RECOVERY_MS);
    } while (failed > 0);
    cr_expect_gt(n, 1, "%s makes no call that could fail", what);
    printf("%s: %ld calls failed%s\n", what, n - 1,
        failure_count == 1 ? ", one at a time" : ", and all after it");
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
        answer = create_operation.run(bench);
        cr_expect_eq(faults_disarm(bench->faults), 1);
        expect_valid(bench, &create_operation, &answer, n + 1);
        answer_free(&answer);
        assert_recovers(bench, &create_operation, n + 1, 0);
        cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
        bench_start(bench);
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
