#ifndef ACCOUNTSD_METRICS_H
#define ACCOUNTSD_METRICS_H

/* What one worker counts, in memory of its own. One thread writes and any may read: nothing is locked, and a
 * reader sees every number whole, though not all of one moment. metrics_render adds the workers up and writes
 * Prometheus's text format 0.0.4. The number of series is bounded by the tables: no text of a client is ever
 * a label. Knows neither libh2o nor libpq. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The labels that are not this module's to know: borrowed, and static. */
struct metrics_labels {
    /* Of requests: the pattern of each route's path, which several routes may share, and the statuses. */
    const char *const *paths;
    size_t path_count;
    const int *statuses;
    size_t status_count;
    /* Of database calls. */
    const char *const *statements;
    size_t statement_count;
};

/* The index of the path of a request for which there is no route. */
#define METRICS_NO_PATH SIZE_MAX

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
    /* clock_now_us() of the loop's last sign of life; not shown as a sum. */
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
struct metrics *metrics_create(const struct metrics_labels *labels);
void metrics_free(struct metrics *metrics);

/* The writer's side: the one thread's that owns the metrics. */
void metrics_set(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_add(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_observe(struct metrics *metrics, enum metrics_distribution distribution, uint64_t value);
/* A database call that has ended, with whatever result, after us microseconds; statement is an index. */
void metrics_observe_call(struct metrics *metrics, size_t statement, uint64_t us);
/* An error that the database raised; sqlstate may be NULL. */
void metrics_count_error(struct metrics *metrics, const char *sqlstate);
/* A request that has ended; path is an index, or METRICS_NO_PATH. */
void metrics_observe_request(
    struct metrics *metrics, size_t path, const char *method, size_t method_len, int status, uint64_t us);

/* The reader's side. */
uint64_t metrics_get(const struct metrics *metrics, enum metrics_number number);
void metrics_render(const struct metrics *const *workers, size_t count, FILE *out);

/* A method as it is shown: "other" for one that the API has nothing to do with, of which there is no end. */
const char *metrics_method(const char *method, size_t method_len);

#endif
