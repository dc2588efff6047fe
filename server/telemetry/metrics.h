#ifndef ACCOUNTSD_METRICS_H
#define ACCOUNTSD_METRICS_H

/* The metrics of one worker. One thread writes, any thread may read, without locks: each number is read
 * atomically, but not all at the same instant. metrics_render adds up the workers and writes Prometheus's
 * text format 0.0.4. Labels come from fixed tables, not from clients, so the number of series is bounded. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The labels that other modules define. The strings and arrays are static. */
struct metrics_labels {
    /* For requests: each route's path pattern, which several routes may share, and the statuses. */
    const char *const *paths;
    size_t path_count;
    const int *statuses;
    size_t status_count;
    /* For database calls. */
    const char *const *statements;
    size_t statement_count;
};

/* The path index of a request that matches no route. */
#define METRICS_NO_PATH SIZE_MAX

/* metrics.c says which are counters and which are gauges. */
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
    METRICS_REFUSED_UNAVAILABLE,
    METRICS_REFUSED_EXPIRED,
    METRICS_RETRIES,
    METRICS_REFUSED_TOKENS,
    /* 1 if the last attempt to connect found a schema that this server does not support. */
    METRICS_SCHEMA_UNSUPPORTED,
    METRICS_DRAINING,
    /* clock_now_us() of the event loop's last run; not added up. */
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

/* All zero, on memory pages of its own, so that workers do not share cache lines. */
struct metrics *metrics_create(const struct metrics_labels *labels);
void metrics_free(struct metrics *metrics);

/* For the one thread that writes these metrics. */
void metrics_set(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_add(struct metrics *metrics, enum metrics_number number, uint64_t value);
void metrics_observe(struct metrics *metrics, enum metrics_distribution distribution, uint64_t value);
/* Counts a database call that ended, with any result, after us microseconds; statement is an index. */
void metrics_observe_call(struct metrics *metrics, size_t statement, uint64_t us);
/* Counts an error that the database raised; sqlstate may be NULL. */
void metrics_count_error(struct metrics *metrics, const char *sqlstate);
/* Counts a request that ended; path is an index, or METRICS_NO_PATH. */
void metrics_observe_request(
    struct metrics *metrics, size_t path, const char *method, size_t method_len, int status, uint64_t us);

/* For any thread. */
uint64_t metrics_get(const struct metrics *metrics, enum metrics_number number);
void metrics_render(const struct metrics *const *workers, size_t count, FILE *out);

/* The label of a method: "other" if the API does not use it, because clients can invent any number. */
const char *metrics_method(const char *method, size_t method_len);

#endif
