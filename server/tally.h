#ifndef ACCOUNTSD_TALLY_H
#define ACCOUNTSD_TALLY_H

/* What accountsd deliver counts and tells: the loop writes, the telemetry port reads, nothing is locked. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "health.h"
#include "transport.h"

/* Counters only grow; gauges are set. tally.c says what each is. */
enum tally_number {
    TALLY_SENT,
    TALLY_FAILED,
    TALLY_UNKNOWN,
    TALLY_REFUSED,
    TALLY_RELEASED,
    TALLY_REPEATS,
    TALLY_UNTOLD_LOST,
    TALLY_IN_FLIGHT,
    TALLY_IN_FLIGHT_MAX,
    TALLY_UNTOLD,
    TALLY_QUEUED,
    TALLY_DUE,
    TALLY_OLDEST_DUE_SECONDS,
    TALLY_KEY_SPACE_USED_PERCENT,
    TALLY_TRANSPORT_AWAY,
    TALLY_DATABASE_CONNECTED,
    TALLY_DATABASE_FAILURES,
    TALLY_DATABASE_LOST,
    TALLY_ANNOUNCED,
    TALLY_EVENTS,
    TALLY_SCHEMA_UNFIT,
    TALLY_DRAINING,
    /* metrics_now() of the loop's last sign of life; not shown as it is. */
    TALLY_HEARTBEAT,
    TALLY_NUMBERS,
};

struct tally;

/* stall_us: after how long without a sign of life the loop is stuck. NULL when memory ran out. */
struct tally *tally_create(uint64_t stall_us);
void tally_free(struct tally *tally);

void tally_set(struct tally *tally, enum tally_number number, uint64_t value);
void tally_add(struct tally *tally, enum tally_number number, uint64_t value);
/* One mail that was tried, or was not. */
void tally_observe(struct tally *tally, enum outcome outcome, uint64_t us);

/* For telemetry.h; data is a tally. */
char *tally_report_health(const void *data, enum health_question question, bool *passes);
void tally_write_metrics(const void *data, FILE *out);

#endif
