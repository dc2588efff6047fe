#ifndef ACCOUNTSD_METRICS_H
#define ACCOUNTSD_METRICS_H

/* What one worker counts, in memory of its own. One thread writes and any may read: nothing is locked, and a
 * reader sees every number whole, though not all of one moment. metrics_render adds the workers up and writes
 * Prometheus's text format 0.0.4. The number of series is bounded by the tables: no text of a client is ever
 * a label. Knows neither libh2o nor libpq. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "route.h"
#include "statement.h"

/* Counters only grow; gauges are set. metrics.c says what each is. */
enum metrics_number {
    METRICS_CLIENT_CONNECTIONS,
    METRICS_CLIENT_CONNECTIONS_MAX,
    METRICS_CLIENT_CONNECTIONS_ACCEPTED,
    METRICS_CLIENT_CONNECTIONS_REFUSED,
    METRICS_REQUESTS_IN_FLIGHT,
    METRICS_DATABASE_IDLE,
    METRICS_DATABASE_BUSY,
    METRICS_DATABASE_CONNECTING,
    METRICS_DATABASE_ATTEMPTS,
    METRICS_DATABASE_FAILURES,
    METRICS_DATABASE_LOST,
    METRICS_QUEUE_LENGTH,
    METRICS_QUEUE_CAPACITY,
    METRICS_REFUSED_FULL,
    METRICS_REFUSED_SHARE,
    METRICS_REFUSED_AWAY,
    METRICS_REFUSED_EXPIRED,
    METRICS_RETRIES,
    METRICS_REFUSED_TOKENS,
    /* 1 while the last attempt to connect found a schema that this server cannot work with. */
    METRICS_SCHEMA_UNFIT,
    METRICS_DRAINING,
    /* metrics_now() of the loop's last sign of life; not shown as a sum. */
    METRICS_HEARTBEAT,
    METRICS_NUMBERS,
};

enum metrics_distribution {
    METRICS_SET_SIZE,
    /* In microseconds. */
    METRICS_QUEUE_WAIT,
    METRICS_DISTRIBUTIONS,
};

struct metrics;

/* All zero, on pages that no other thread's memory shares; NULL when memory ran out. */
struct metrics *metrics_create(void);
void metrics_free(struct metrics *metrics);

/* Microseconds of a clock that only goes forward. */
uint64_t metrics_now(void);

/* The writer's side: the one thread's that owns the metrics. */
void metrics_set(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_add(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_observe(struct metrics *metrics, enum metrics_distribution distribution, uint64_t value);
/* A database call that came to its end, with whatever result, after so many microseconds. */
void metrics_observe_call(struct metrics *metrics, enum statement statement, uint64_t us);
/* An error that the database raised; sqlstate may be NULL. */
void metrics_count_error(struct metrics *metrics, const char *sqlstate);
/* A request that has ended; route is NULL where none was found. */
void metrics_observe_request(struct metrics *metrics, const struct route *route, const char *method,
    size_t method_len, int status, uint64_t us);

/* The reader's side. */
uint64_t metrics_get(const struct metrics *metrics, enum metrics_number number);
void metrics_render(const struct metrics *const *workers, size_t count, FILE *out);

/* A method as it is shown: "other" for one that the API has nothing to do with, of which there is no end. */
const char *metrics_method(const char *method, size_t method_len);

#endif
