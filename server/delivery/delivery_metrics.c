#include "delivery/delivery_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/memory.h"
#include "telemetry/prometheus.h"

#define DELIVERIES "Attempts to send a mail, by outcome."

static const struct prometheus_number numbers[DELIVERY_METRICS_NUMBERS] = {
    [DELIVERY_METRICS_SENT] = PROMETHEUS_COUNTER("deliveries", "outcome=\"sent\"", DELIVERIES),
    [DELIVERY_METRICS_FAILED] = PROMETHEUS_COUNTER("deliveries", "outcome=\"failed\"", DELIVERIES),
    [DELIVERY_METRICS_UNKNOWN] = PROMETHEUS_COUNTER("deliveries", "outcome=\"unknown\"", DELIVERIES),
    [DELIVERY_METRICS_REFUSED] = PROMETHEUS_COUNTER("deliveries", "outcome=\"refused\"", DELIVERIES),
    [DELIVERY_METRICS_RELEASED] = PROMETHEUS_COUNTER("deliveries", "outcome=\"released\"", DELIVERIES),
    [DELIVERY_METRICS_REPEATS] = PROMETHEUS_COUNTER("delivery_repeats", "",
        "Attempts after one with an unknown outcome: only these mails may be sent twice."),
    [DELIVERY_METRICS_RESULTS_LOST] = PROMETHEUS_COUNTER("delivery_results_lost", "",
        "Outcomes that were not reported to the database before the lease or the worker ended."),
    [DELIVERY_METRICS_IN_FLIGHT] = PROMETHEUS_GAUGE("deliveries_in_flight", "", "Mails that are being sent."),
    [DELIVERY_METRICS_IN_FLIGHT_MAX] =
        PROMETHEUS_GAUGE("deliveries_in_flight_max", "", "Mails that may be sent at once."),
    [DELIVERY_METRICS_UNREPORTED] = PROMETHEUS_GAUGE(
        "delivery_results_unreported", "", "Outcomes that have not been reported to the database yet."),
    [DELIVERY_METRICS_QUEUED] =
        PROMETHEUS_GAUGE("delivery_queue_length", "", "Mails in the database's queue."),
    [DELIVERY_METRICS_DUE] =
        PROMETHEUS_GAUGE("delivery_queue_due", "", "Mails in the queue that could be sent now."),
    [DELIVERY_METRICS_OLDEST_DUE_SECONDS] = PROMETHEUS_GAUGE(
        "delivery_queue_oldest_due_seconds", "", "Time since the oldest of these mails became due."),
    [DELIVERY_METRICS_KEY_SPACE_USED_PERCENT] = PROMETHEUS_GAUGE("key_space_used_percent", "",
        "Used percentage of the ids of the usual length, of the kind with the largest percentage."),
    [DELIVERY_METRICS_TRANSPORT_UNAVAILABLE] = PROMETHEUS_GAUGE(
        "delivery_transport_unavailable", "", "1 while the SMTP server or the directory is unavailable."),
    [DELIVERY_METRICS_DATABASE_CONNECTED] =
        PROMETHEUS_GAUGE("delivery_database_connected", "", "1 while there is a connection to the database."),
    [DELIVERY_METRICS_DATABASE_FAILURES] = PROMETHEUS_COUNTER(
        "database_connection_failures", "", "Attempts to connect to the database that failed."),
    [DELIVERY_METRICS_DATABASE_LOST] = PROMETHEUS_COUNTER(
        "database_connections_lost", "", "Database connections that broke or were closed after a timeout."),
    [DELIVERY_METRICS_ANNOUNCED] =
        PROMETHEUS_COUNTER("expiries_announced", "", "Reminders and expiries that were announced."),
    [DELIVERY_METRICS_EVENTS] = PROMETHEUS_COUNTER("events_numbered", "", "Events that got their position."),
    [DELIVERY_METRICS_SCHEMA_UNSUPPORTED] = PROMETHEUS_GAUGE(
        "schema_unsupported_workers", "", "Workers that found a schema that this server does not support."),
    [DELIVERY_METRICS_DRAINING] =
        PROMETHEUS_GAUGE("draining_workers", "", "Workers that finish the work in flight and then stop."),
};

struct delivery_metrics {
    uint64_t stall_us;
    prometheus_cell numbers[DELIVERY_METRICS_NUMBERS];
    struct prometheus_histogram durations;
};

struct delivery_metrics *delivery_metrics_create(uint64_t stall_us)
{
    struct delivery_metrics *metrics = memory_require(calloc(1, sizeof(*metrics)));

    metrics->stall_us = stall_us;
    return metrics;
}

void delivery_metrics_free(struct delivery_metrics *metrics)
{
    free(metrics);
}

void delivery_metrics_set(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value)
{
    prometheus_set(&metrics->numbers[number], value);
}

void delivery_metrics_add(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value)
{
    prometheus_add(&metrics->numbers[number], value);
}

void delivery_metrics_observe(struct delivery_metrics *metrics, enum outcome outcome, uint64_t us)
{
    static const enum delivery_metrics_number counters[OUTCOMES] = {
        [OUTCOME_SENT] = DELIVERY_METRICS_SENT,
        [OUTCOME_FAILED] = DELIVERY_METRICS_FAILED,
        [OUTCOME_UNKNOWN] = DELIVERY_METRICS_UNKNOWN,
        [OUTCOME_REFUSED] = DELIVERY_METRICS_REFUSED,
        [OUTCOME_RELEASED] = DELIVERY_METRICS_RELEASED,
    };

    delivery_metrics_add(metrics, counters[outcome], 1);
    if (outcome != OUTCOME_RELEASED)
        prometheus_observe(&metrics->durations, &prometheus_seconds, us);
}

char *delivery_metrics_report_health(const void *data, enum health_question question, bool *passes)
{
    const struct delivery_metrics *metrics = data;
    uint64_t heartbeat = prometheus_get(&metrics->numbers[DELIVERY_METRICS_HEARTBEAT]);
    const struct {
        enum health_question question;
        bool fails;
        const char *reason;
    } checks[] = {
        {HEALTH_LIVE, health_heartbeat_age(heartbeat, clock_now_us()) > metrics->stall_us,
            "is stuck: its event loop does not run"},
        {HEALTH_READY, prometheus_get(&metrics->numbers[DELIVERY_METRICS_DRAINING]) != 0,
            "is draining: it is stopping"},
        {HEALTH_READY, prometheus_get(&metrics->numbers[DELIVERY_METRICS_DATABASE_CONNECTED]) == 0,
            "has no database connection"},
        {HEALTH_READY, prometheus_get(&metrics->numbers[DELIVERY_METRICS_SCHEMA_UNSUPPORTED]) != 0,
            "found a schema that it does not support; see the log"},
        {HEALTH_READY, prometheus_get(&metrics->numbers[DELIVERY_METRICS_TRANSPORT_UNAVAILABLE]) != 0,
            "can send nothing: the SMTP server or the directory is unavailable; see the log"},
    };
    json_t *reasons = json_array();

    for (size_t i = 0; i < COUNT(checks); i++) {
        /* Readiness includes liveness. */
        if (checks[i].question <= question && checks[i].fails)
            json_array_append_new(reasons, json_sprintf("the delivery worker %s", checks[i].reason));
    }
    return health_answer(reasons, passes);
}

void delivery_metrics_write_metrics(const void *data, FILE *out)
{
    static const struct prometheus_family durations = {
        "accountsd_delivery_duration_seconds", "histogram", "Duration of attempts to send a mail."};
    const struct delivery_metrics *metrics = data;
    struct prometheus_total total = {0};
    const char *last_name = "";

    for (size_t n = 0; n < DELIVERY_METRICS_NUMBERS; n++) {
        const struct prometheus_family *family = &numbers[n].family;

        if (family->name == NULL)
            continue;
        if (strcmp(family->name, last_name) != 0)
            prometheus_render_family(family, out);
        last_name = family->name;
        prometheus_render_number(family->name, numbers[n].labels, prometheus_get(&metrics->numbers[n]), out);
    }
    prometheus_add_up(&total, &metrics->durations);
    prometheus_render_family(&durations, out);
    prometheus_render_total(durations.name, "", &prometheus_seconds, &total, out);
    prometheus_render_family(&health_heartbeat_family, out);
    health_render_heartbeat(
        "", prometheus_get(&metrics->numbers[DELIVERY_METRICS_HEARTBEAT]), clock_now_us(), out);
}
