#ifndef ACCOUNTSD_DELIVERY_METRICS_H
#define ACCOUNTSD_DELIVERY_METRICS_H

/* What accountsd deliver counts and tells: the loop writes, the telemetry port reads, nothing is locked. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "delivery/transport.h"
#include "telemetry/health.h"

/* Counters only grow; gauges are set. metrics.c says what each is. */
enum delivery_metrics_number {
    DELIVERY_METRICS_SENT,
    DELIVERY_METRICS_FAILED,
    DELIVERY_METRICS_UNKNOWN,
    DELIVERY_METRICS_REFUSED,
    DELIVERY_METRICS_RELEASED,
    DELIVERY_METRICS_REPEATS,
    DELIVERY_METRICS_UNTOLD_LOST,
    DELIVERY_METRICS_IN_FLIGHT,
    DELIVERY_METRICS_IN_FLIGHT_MAX,
    DELIVERY_METRICS_UNTOLD,
    DELIVERY_METRICS_QUEUED,
    DELIVERY_METRICS_DUE,
    DELIVERY_METRICS_OLDEST_DUE_SECONDS,
    DELIVERY_METRICS_KEY_SPACE_USED_PERCENT,
    DELIVERY_METRICS_TRANSPORT_AWAY,
    DELIVERY_METRICS_DATABASE_CONNECTED,
    DELIVERY_METRICS_DATABASE_FAILURES,
    DELIVERY_METRICS_DATABASE_LOST,
    DELIVERY_METRICS_ANNOUNCED,
    DELIVERY_METRICS_EVENTS,
    DELIVERY_METRICS_SCHEMA_UNFIT,
    DELIVERY_METRICS_DRAINING,
    /* clock_now_us() of the loop's last sign of life; not shown as it is. */
    DELIVERY_METRICS_HEARTBEAT,
    DELIVERY_METRICS_NUMBERS,
};

struct delivery_metrics;

/* stall_us: after how long without a sign of life the loop is stuck. NULL when memory ran out. */
struct delivery_metrics *delivery_metrics_create(uint64_t stall_us);
void delivery_metrics_free(struct delivery_metrics *metrics);

void delivery_metrics_set(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value);
void delivery_metrics_add(
    struct delivery_metrics *metrics, enum delivery_metrics_number number, uint64_t value);
/* One mail that was tried, or was not. */
void delivery_metrics_observe(struct delivery_metrics *metrics, enum outcome outcome, uint64_t us);

/* For telemetry.h; data is a metrics. */
char *delivery_metrics_report_health(const void *data, enum health_question question, bool *passes);
void delivery_metrics_write_metrics(const void *data, FILE *out);

#endif
