#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/health.h"

#define NOW 100000000UL
#define STALL 10000000UL

static const struct metrics_labels labels;
static struct metrics *workers[2];

static void set_up(void)
{
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not_null(workers[i] = metrics_create(&labels));
        metrics_set(workers[i], METRICS_HEARTBEAT, NOW - STALL);
        metrics_set(workers[i], METRICS_DATABASE_IDLE, i);
        metrics_set(workers[i], METRICS_DATABASE_BUSY, 1 - i);
    }
}

static void tear_down(void)
{
    for (size_t i = 0; i < 2; i++)
        metrics_free(workers[i]);
}

TestSuite(health, .init = set_up, .fini = tear_down);

static void expect_report(enum health_question question, const char *expected)
{
    bool passes;
    char *report = health_report(question, (const struct metrics *const *)workers, 2, NOW, STALL, &passes);

    cr_expect_str_eq(report, expected);
    cr_expect_eq(passes, strstr(expected, "pass") != NULL);
    free(report);
}

#define PASS "{\"status\":\"pass\"}"
#define FAIL(reason) "{\"status\":\"fail\",\"reasons\":[\"" reason "\"]}"

Test(health, passes_if_all_checks_pass)
{
    expect_report(HEALTH_LIVE, PASS);
    expect_report(HEALTH_READY, PASS);
}

Test(health, a_stuck_worker_is_neither_live_nor_ready)
{
    metrics_set(workers[1], METRICS_HEARTBEAT, NOW - STALL - 1);
    expect_report(HEALTH_LIVE, FAIL("worker 1 is stuck: its event loop does not run"));
    expect_report(HEALTH_READY, FAIL("worker 1 is stuck: its event loop does not run"));
}

/* The reader's clock was read before the writer's. */
Test(health, a_heartbeat_in_the_future_is_not_old)
{
    metrics_set(workers[0], METRICS_HEARTBEAT, NOW + 1);
    cr_assert_eq(health_heartbeat_age(metrics_get(workers[0], METRICS_HEARTBEAT), NOW), 0);
    expect_report(HEALTH_LIVE, PASS);
}

Test(health, every_worker_needs_a_connection)
{
    metrics_set(workers[0], METRICS_DATABASE_BUSY, 0);
    metrics_set(workers[0], METRICS_DATABASE_CONNECTING, 1);
    expect_report(HEALTH_LIVE, PASS);
    expect_report(HEALTH_READY, FAIL("worker 0 has no database connection"));
}

Test(health, reports_all_failed_checks)
{
    metrics_set(workers[0], METRICS_SCHEMA_UNSUPPORTED, 1);
    metrics_set(workers[1], METRICS_DRAINING, 1);
    expect_report(HEALTH_LIVE, PASS);
    expect_report(
        HEALTH_READY, FAIL("worker 0 found a schema that this server does not support; see the log\",\""
                           "worker 1 is draining: the server is stopping"));
}
