#ifndef ACCOUNTSD_DELIVERY_METRICS_H
#define ACCOUNTSD_DELIVERY_METRICS_H

/* The metrics and health of accountsd deliver. The loop writes, the telemetry port reads, without locks. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "delivery/transport.h"
#include "telemetry/health.h"

/* delivery_metrics.c says which are counters and which are gauges. */
enum delivery_metrics_number {
    DELIVERY_METRICS_SENT,
    DELIVERY_METRICS_FAILED,
    DELIVERY_METRICS_UNKNOWN,
    DELIVERY_METRICS_REFUSED,
    DELIVERY_METRICS_RELEASED,
    DELIVERY_METRICS_REPEATS,
    DELIVERY_METRICS_RESULTS_LOST,
    DELIVERY_METRICS_IN_FLIGHT,
    DELIVERY_METRICS_IN_FLIGHT_MAX,
    DELIVERY_METRICS_UNREPORTED,
    DELIVERY_METRICS_QUEUED,
    DELIVERY_METRICS_DUE,
    DELIVERY_METRICS_OLDEST_DUE_SECONDS,
    DELIVERY_METRICS_KEY_SPACE_USED_PERCENT,
    DELIVERY_METRICS_TRANSPORT_UNAVAILABLE,
    DELIVERY_METRICS_DATABASE_CONNECTED,
    DELIVERY_METRICS_DATABASE_FAILURES,
    DELIVERY_METRICS_DATABASE_LOST,
    DELIVERY_METRICS_ANNOUNCED,
    DELIVERY_METRICS_EVENTS,
    DELIVERY_METRICS_SCHEMA_UNSUPPORTED,
    DELIVERY_METRICS_DRAINING,
    /* clock_now_us() of the loop's last run; written as an age. */
    DELIVERY_METRICS_HEARTBEAT,
    DELIVERY_METRICS_NUMBERS,
};

struct delivery_metrics;

/* stall_us: the age of the heartbeat from which the loop counts as stuck. */
struct delivery_metrics *delivery_metrics_create(uint64_t stall_us);
void delivery_metrics_free(struct delivery_metrics *metrics);

void delivery_metrics_set(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value);
void delivery_metrics_add(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value);
/* Counts a delivery and, unless it was released, its duration. */
void delivery_metrics_observe(struct delivery_metrics *metrics, enum outcome outcome, uint64_t us);

/* For telemetry_port.h; data is a struct delivery_metrics. */
char *delivery_metrics_report_health(const void *data, enum health_question question, bool *passes);
void delivery_metrics_write_metrics(const void *data, FILE *out);

#endif
