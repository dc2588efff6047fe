#include "telemetry/metrics.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/memory.h"
#include "base/text.h"
#include "telemetry/prometheus.h"

static const struct prometheus_bounds calls = {
    7, 1, {{1, "1"}, {2, "2"}, {4, "4"}, {8, "8"}, {16, "16"}, {32, "32"}, {64, "64"}}};

static const struct {
    struct prometheus_family family;
    const struct prometheus_bounds *bounds;
} distributions[METRICS_DISTRIBUTIONS] = {
    [METRICS_SET_SIZE] = {{"accountsd_database_set_size", "histogram",
                              "Requests that went to the database in one call."},
        &calls},
    [METRICS_QUEUE_WAIT] = {{"accountsd_database_queue_wait_seconds", "histogram",
                                "Time that a request waited for a database connection."},
        &prometheus_seconds},
};

#define CONNECTIONS "Database connections by state."
#define REFUSALS "Requests answered 503 without a database call, by reason."

static const struct prometheus_number numbers[METRICS_NUMBERS] = {
    [METRICS_CLIENT_CONNECTIONS] = PROMETHEUS_GAUGE("client_connections", "", "Open client connections."),
    [METRICS_CLIENT_CONNECTIONS_MAX] =
        PROMETHEUS_GAUGE("client_connections_max", "", "Client connections that may be open."),
    [METRICS_CLIENT_CONNECTIONS_ACCEPTED] =
        PROMETHEUS_COUNTER("client_connections_accepted", "", "Client connections accepted."),
    [METRICS_CLIENT_CONNECTIONS_REFUSED] = PROMETHEUS_COUNTER("client_connections_refused", "",
        "Client connections closed at once because their address had reached its limit."),
    [METRICS_REQUESTS_IN_FLIGHT] = PROMETHEUS_GAUGE("http_requests_in_flight", "",
        "Requests that have arrived and whose response has not been sent completely."),
    [METRICS_DATABASE_IDLE] = PROMETHEUS_GAUGE("database_connections", "state=\"idle\"", CONNECTIONS),
    [METRICS_DATABASE_BUSY] = PROMETHEUS_GAUGE("database_connections", "state=\"busy\"", CONNECTIONS),
    [METRICS_DATABASE_CONNECTING] =
        PROMETHEUS_GAUGE("database_connections", "state=\"connecting\"", CONNECTIONS),
    [METRICS_DATABASE_ATTEMPTS] =
        PROMETHEUS_COUNTER("database_connection_attempts", "", "Attempts to connect to the database."),
    [METRICS_DATABASE_FAILURES] = PROMETHEUS_COUNTER(
        "database_connection_failures", "", "Attempts to connect to the database that failed."),
    [METRICS_DATABASE_LOST] = PROMETHEUS_COUNTER(
        "database_connections_lost", "", "Database connections that broke or were closed after a timeout."),
    [METRICS_QUEUE_LENGTH] =
        PROMETHEUS_GAUGE("database_queue_length", "", "Requests that wait for a database connection."),
    [METRICS_QUEUE_CAPACITY] =
        PROMETHEUS_GAUGE("database_queue_capacity", "", "Requests that may wait for a database connection."),
    [METRICS_REFUSED_FULL] = PROMETHEUS_COUNTER("database_queue_refusals", "reason=\"full\"", REFUSALS),
    [METRICS_REFUSED_SHARE] = PROMETHEUS_COUNTER("database_queue_refusals", "reason=\"share\"", REFUSALS),
    [METRICS_REFUSED_UNAVAILABLE] =
        PROMETHEUS_COUNTER("database_queue_refusals", "reason=\"unavailable\"", REFUSALS),
    [METRICS_REFUSED_EXPIRED] = PROMETHEUS_COUNTER("database_queue_refusals", "reason=\"expired\"", REFUSALS),
    [METRICS_RETRIES] = PROMETHEUS_COUNTER(
        "database_retries", "", "Requests retried alone because their call was rolled back."),
    [METRICS_REFUSED_TOKENS] = PROMETHEUS_COUNTER("refused_tokens", "",
        "Requests answered 401 without a database call: their token was refused recently."),
    [METRICS_SCHEMA_UNSUPPORTED] = PROMETHEUS_GAUGE(
        "schema_unsupported_workers", "", "Workers that found a schema that this server does not support."),
    [METRICS_DRAINING] =
        PROMETHEUS_GAUGE("draining_workers", "", "Workers that finish the work in flight and then stop."),
};

/* The SQLSTATE classes (first two characters) with a series of their own. */
static const char *const classes[] = {"08", "0A", "21", "22", "23", "25", "26", "28", "2D", "3D", "3F", "40",
    "42", "53", "54", "55", "57", "58", "P0", "PT", "XX", "other"};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};

struct metrics {
    const struct metrics_labels *labels;
    /* Points into the same memory mapping. */
    struct prometheus_histogram *requests;
    prometheus_cell numbers[METRICS_NUMBERS];
    prometheus_cell errors[COUNT(classes)];
    struct prometheus_histogram distributions[METRICS_DISTRIBUTIONS];
    /* By statement. The histograms of requests follow, by path (the last: no route), method and status (the
     * last: any other). Most are never touched, so their pages take no memory. */
    struct prometheus_histogram calls[];
};

static size_t slot_count(const struct metrics_labels *labels)
{
    return (labels->path_count + 1) * COUNT(methods) * (labels->status_count + 1);
}

static size_t size_of_all(const struct metrics_labels *labels)
{
    return sizeof(struct metrics) +
           (labels->statement_count + slot_count(labels)) * sizeof(struct prometheus_histogram);
}

struct metrics *metrics_create(const struct metrics_labels *labels)
{
    void *pages = mmap(NULL, size_of_all(labels), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct metrics *metrics = memory_require(pages != MAP_FAILED ? pages : NULL);

    metrics->labels = labels;
    metrics->requests = metrics->calls + labels->statement_count;
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    munmap(metrics, size_of_all(metrics->labels));
}

void metrics_set(struct metrics *metrics, enum metrics_number number, uint64_t value)
{
    prometheus_set(&metrics->numbers[number], value);
}

void metrics_add(struct metrics *metrics, enum metrics_number number, uint64_t value)
{
    prometheus_add(&metrics->numbers[number], value);
}

uint64_t metrics_get(const struct metrics *metrics, enum metrics_number number)
{
    return prometheus_get(&metrics->numbers[number]);
}

void metrics_observe(struct metrics *metrics, enum metrics_distribution distribution, uint64_t value)
{
    prometheus_observe(&metrics->distributions[distribution], distributions[distribution].bounds, value);
}

void metrics_observe_call(struct metrics *metrics, size_t statement, uint64_t us)
{
    prometheus_observe(&metrics->calls[statement], &prometheus_seconds, us);
}

void metrics_count_error(struct metrics *metrics, const char *sqlstate)
{
    size_t i = 0;

    while (i + 1 < COUNT(classes) && (sqlstate == NULL || strncmp(sqlstate, classes[i], 2) != 0))
        i++;
    prometheus_add(&metrics->errors[i], 1);
}

static size_t method_index(const char *method, size_t method_len)
{
    size_t i = 0;

    while (i + 1 < COUNT(methods) && !text_equals(method, method_len, methods[i]))
        i++;
    return i;
}

const char *metrics_method(const char *method, size_t method_len)
{
    return methods[method_index(method, method_len)];
}

static size_t status_index(const struct metrics_labels *labels, int status)
{
    size_t i = 0;

    while (i < labels->status_count && labels->statuses[i] != status)
        i++;
    return i;
}

static size_t slot(const struct metrics_labels *labels, size_t path, size_t method, size_t status)
{
    return (path * COUNT(methods) + method) * (labels->status_count + 1) + status;
}

void metrics_observe_request(
    struct metrics *metrics, size_t path, const char *method, size_t method_len, int status, uint64_t us)
{
    const struct metrics_labels *labels = metrics->labels;
    size_t index = path < labels->path_count ? path : labels->path_count;

    prometheus_observe(
        &metrics
             ->requests[slot(labels, index, method_index(method, method_len), status_index(labels, status))],
        &prometheus_seconds, us);
}

/* Adds up the requests of a path over all workers and all indexes that the path has. */
static struct prometheus_total requests_of(
    const struct metrics *const *workers, size_t count, size_t path, size_t method, size_t status)
{
    const struct metrics_labels *labels = workers[0]->labels;
    struct prometheus_total total = {0};

    for (size_t p = path; p < labels->path_count || p == path; p++) {
        if (p != path && strcmp(labels->paths[p], labels->paths[path]) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            prometheus_add_up(&total, &workers[i]->requests[slot(labels, p, method, status)]);
    }
    return total;
}

static bool is_first_index(const struct metrics_labels *labels, size_t path)
{
    for (size_t i = 0; path < labels->path_count && i < path; i++) {
        if (strcmp(labels->paths[i], labels->paths[path]) == 0)
            return false;
    }
    return true;
}

typedef void (*render_requests)(const char *name, const char *labels, const struct prometheus_bounds *bounds,
    const struct prometheus_total *total, FILE *out);

static void render_count(const char *name, const char *labels, const struct prometheus_bounds *bounds,
    const struct prometheus_total *total, FILE *out)
{
    (void)bounds;
    prometheus_render_number(name, labels, total->count, out);
}

static void render_all_requests(const struct metrics *const *workers, size_t count,
    const struct prometheus_family *family, render_requests render, FILE *out)
{
    const struct metrics_labels *labels = workers[0]->labels;
    char text[256], number_text[16];

    prometheus_render_family(family, out);
    for (size_t path = 0; path <= labels->path_count; path++) {
        if (!is_first_index(labels, path))
            continue;
        for (size_t method = 0; method < COUNT(methods); method++) {
            for (size_t status = 0; status <= labels->status_count; status++) {
                struct prometheus_total total = requests_of(workers, count, path, method, status);

                if (total.count == 0)
                    continue;
                snprintf(number_text, sizeof(number_text), "%d",
                    status < labels->status_count ? labels->statuses[status] : 0);
                snprintf(text, sizeof(text), "method=\"%s\",route=\"%s\",status=\"%s\"", methods[method],
                    path < labels->path_count ? labels->paths[path] : "none",
                    status < labels->status_count ? number_text : "other");
                render(family->name, text, &prometheus_seconds, &total, out);
            }
        }
    }
}

static void render_numbers(const struct metrics *const *workers, size_t count, FILE *out)
{
    const char *last_name = "";

    for (size_t n = 0; n < METRICS_NUMBERS; n++) {
        const struct prometheus_family *family = &numbers[n].family;
        uint64_t sum = 0;

        if (family->name == NULL)
            continue;
        if (strcmp(family->name, last_name) != 0)
            prometheus_render_family(family, out);
        last_name = family->name;
        for (size_t i = 0; i < count; i++)
            sum += prometheus_get(&workers[i]->numbers[n]);
        prometheus_render_number(family->name, numbers[n].labels, sum, out);
    }
}

static void render_errors(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct prometheus_family family = {"accountsd_database_errors_total", "counter",
        "Errors that the database raised, by the class of their SQLSTATE."};
    char labels[32];

    prometheus_render_family(&family, out);
    for (size_t c = 0; c < COUNT(classes); c++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < count; i++)
            sum += prometheus_get(&workers[i]->errors[c]);
        snprintf(labels, sizeof(labels), "class=\"%s\"", classes[c]);
        prometheus_render_number(family.name, labels, sum, out);
    }
}

static void render_distributions(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct prometheus_family call_family = {"accountsd_database_call_duration_seconds",
        "histogram", "Time from sending a call to the database to its end, by statement."};
    char labels[64];

    for (size_t d = 0; d < METRICS_DISTRIBUTIONS; d++) {
        struct prometheus_total total = {0};

        for (size_t i = 0; i < count; i++)
            prometheus_add_up(&total, &workers[i]->distributions[d]);
        prometheus_render_family(&distributions[d].family, out);
        prometheus_render_total(distributions[d].family.name, "", distributions[d].bounds, &total, out);
    }
    prometheus_render_family(&call_family, out);
    for (size_t s = 0; s < workers[0]->labels->statement_count; s++) {
        struct prometheus_total total = {0};

        for (size_t i = 0; i < count; i++)
            prometheus_add_up(&total, &workers[i]->calls[s]);
        snprintf(labels, sizeof(labels), "statement=\"%s\"", workers[0]->labels->statements[s]);
        prometheus_render_total(call_family.name, labels, &prometheus_seconds, &total, out);
    }
}

void metrics_render(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct prometheus_family requests = {"accountsd_http_requests_total", "counter",
        "Requests that have ended, by method, path pattern and status."};
    static const struct prometheus_family durations = {"accountsd_http_request_duration_seconds", "histogram",
        "Time from the arrival of a whole request to the end of its response, by method, path pattern and "
        "status."};

    render_all_requests(workers, count, &requests, render_count, out);
    render_all_requests(workers, count, &durations, prometheus_render_total, out);
    render_numbers(workers, count, out);
    render_errors(workers, count, out);
    render_distributions(workers, count, out);
}
