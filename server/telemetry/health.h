#ifndef ACCOUNTSD_HEALTH_H
#define ACCOUNTSD_HEALTH_H

/* Liveness and readiness of the process, from the metrics of its workers. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "telemetry/metrics.h"
#include "telemetry/prometheus.h"

enum health_question {
    /* Does every worker's event loop run? If not, only a restart helps. */
    HEALTH_LIVE,
    /* Can it serve? Every event loop runs, every worker has a database connection, the server supports the
     * schema, and it is not draining. */
    HEALTH_READY,
};

/* Microseconds from a heartbeat to now, both of clock_now_us(). */
uint64_t health_heartbeat_age(uint64_t heartbeat, uint64_t now);

extern const struct prometheus_family health_heartbeat_family;

/* labels: "", or the labels with { and }. */
void health_render_heartbeat(const char *labels, uint64_t heartbeat, uint64_t now, FILE *out);

/* Returns {"status":"pass"} or {"status":"fail","reasons":["...", ...]}, which the caller frees; NULL if
 * memory ran out. A worker whose last heartbeat is more than stall_us before now is stuck. *passes is always
 * set. */
char *health_report(enum health_question question, const struct metrics *const *workers, size_t count,
    uint64_t now, uint64_t stall_us, bool *passes);

/* The same for an array of reasons, of which it takes ownership; an empty array is a pass. */
char *health_answer(json_t *reasons, bool *passes);

#endif
