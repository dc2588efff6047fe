#ifndef ACCOUNTSD_HEALTH_H
#define ACCOUNTSD_HEALTH_H

/* Whether the process is alive and whether it is ready, as its workers' metrics tell. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "telemetry/metrics.h"
#include "telemetry/prometheus.h"

enum health_question {
    /* Does every worker's loop turn? If not, only a restart helps. */
    HEALTH_LIVE,
    /* Can it serve? Every loop turns, every worker has a database connection, the schema is one that this
     * server can work with, and it has not been told to stop. */
    HEALTH_READY,
};

/* How many microseconds before now the heartbeat was, both of clock_now_us(). */
uint64_t health_heartbeat_age(uint64_t heartbeat, uint64_t now);

extern const struct prometheus_family health_heartbeat_family;

/* labels: "", or with { and }. */
void health_render_heartbeat(const char *labels, uint64_t heartbeat, uint64_t now, FILE *out);

/* The answer as JSON, {"status":"pass"} or {"status":"fail","reasons":["...", ...]}, which the caller frees;
 * NULL when memory ran out. A worker whose last sign of life is more than stall_us before now is stuck.
 * *passes is set in any case. */
char *health_report(enum health_question question, const struct metrics *const *workers, size_t count,
    uint64_t now, uint64_t stall_us, bool *passes);

/* The answer that reasons, an array of texts that is taken over, make; no reason is a pass. */
char *health_answer(json_t *reasons, bool *passes);

#endif
