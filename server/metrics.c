#include "metrics.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "problem.h"
#include "series.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
static const struct series_bounds calls = {
    7, 1, {{1, "1"}, {2, "2"}, {4, "4"}, {8, "8"}, {16, "16"}, {32, "32"}, {64, "64"}}};

static const struct {
    struct series_family family;
    const struct series_bounds *bounds;
} distributions[METRICS_DISTRIBUTIONS] = {
    [METRICS_SET_SIZE] = {{"accountsd_database_set_size", "histogram",
                              "Requests that went to the database in one call."},
        &calls},
    [METRICS_QUEUE_WAIT] = {{"accountsd_database_queue_wait_seconds", "histogram",
                                "Time that a request waited for a database connection."},
        &series_seconds},
};

#define CONNECTIONS "Database connections by state."
#define REFUSALS "Requests answered 503 without a database call, by reason."

static const struct series_number numbers[METRICS_NUMBERS] = {
    [METRICS_CLIENT_CONNECTIONS] = SERIES_GAUGE("client_connections", "", "Open client connections."),
    [METRICS_CLIENT_CONNECTIONS_MAX] =
        SERIES_GAUGE("client_connections_max", "", "Client connections that may be open."),
    [METRICS_CLIENT_CONNECTIONS_ACCEPTED] =
        SERIES_COUNTER("client_connections_accepted", "", "Client connections accepted."),
    [METRICS_CLIENT_CONNECTIONS_REFUSED] = SERIES_COUNTER("client_connections_refused", "",
        "Client connections closed at once, since their address had as many as it may have."),
    [METRICS_REQUESTS_IN_FLIGHT] = SERIES_GAUGE(
        "http_requests_in_flight", "", "Requests that came in whole and whose response has not left whole."),
    [METRICS_DATABASE_IDLE] = SERIES_GAUGE("database_connections", "state=\"idle\"", CONNECTIONS),
    [METRICS_DATABASE_BUSY] = SERIES_GAUGE("database_connections", "state=\"busy\"", CONNECTIONS),
    [METRICS_DATABASE_CONNECTING] = SERIES_GAUGE("database_connections", "state=\"connecting\"", CONNECTIONS),
    [METRICS_DATABASE_ATTEMPTS] =
        SERIES_COUNTER("database_connection_attempts", "", "Attempts to connect to the database."),
    [METRICS_DATABASE_FAILURES] = SERIES_COUNTER(
        "database_connection_failures", "", "Attempts to connect to the database that failed."),
    [METRICS_DATABASE_LOST] = SERIES_COUNTER(
        "database_connections_lost", "", "Database connections that broke or were given up as too slow."),
    [METRICS_QUEUE_LENGTH] =
        SERIES_GAUGE("database_queue_length", "", "Requests that wait for a database connection."),
    [METRICS_QUEUE_CAPACITY] =
        SERIES_GAUGE("database_queue_capacity", "", "Requests that may wait for a database connection."),
    [METRICS_REFUSED_FULL] = SERIES_COUNTER("database_queue_refusals", "reason=\"full\"", REFUSALS),
    [METRICS_REFUSED_SHARE] = SERIES_COUNTER("database_queue_refusals", "reason=\"share\"", REFUSALS),
    [METRICS_REFUSED_AWAY] = SERIES_COUNTER("database_queue_refusals", "reason=\"away\"", REFUSALS),
    [METRICS_REFUSED_EXPIRED] = SERIES_COUNTER("database_queue_refusals", "reason=\"expired\"", REFUSALS),
    [METRICS_RETRIES] = SERIES_COUNTER(
        "database_retries", "", "Requests tried again alone because the call that they were in was undone."),
    [METRICS_REFUSED_TOKENS] = SERIES_COUNTER("refused_tokens", "",
        "Requests answered 401 without a database call: it had refused their token just before."),
    [METRICS_SCHEMA_UNFIT] = SERIES_GAUGE(
        "schema_unfit_workers", "", "Workers that found a schema that this server does not fit."),
    [METRICS_DRAINING] = SERIES_GAUGE(
        "draining_workers", "", "Workers that have been told to end what is in flight and to stop."),
};

/* The classes of SQLSTATE (its first two characters) that are told apart. */
static const char *const classes[] = {"08", "0A", "21", "22", "23", "25", "26", "28", "2D", "3D", "3F", "40",
    "42", "53", "54", "55", "57", "58", "P0", "PT", "XX", "other"};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};

struct metrics {
    series_cell numbers[METRICS_NUMBERS];
    series_cell errors[COUNT(classes)];
    struct series_histogram distributions[METRICS_DISTRIBUTIONS];
    struct series_histogram calls[STATEMENT_COUNT];
    /* By route (the last is none), method and status (the last is any other). Most are never touched, and
     * their pages never there. */
    struct series_histogram requests[];
};

static size_t slot_count(void)
{
    return (route_count() + 1) * COUNT(methods) * (problem_status_count() + 1);
}

static size_t size_of_all(void)
{
    return sizeof(struct metrics) + slot_count() * sizeof(struct series_histogram);
}

struct metrics *metrics_create(void)
{
    void *pages = mmap(NULL, size_of_all(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages != MAP_FAILED ? pages : NULL;
}

void metrics_free(struct metrics *metrics)
{
    munmap(metrics, size_of_all());
}

uint64_t metrics_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void metrics_set(struct metrics *metrics, enum metrics_number number, uint64_t value)
{
    series_set(&metrics->numbers[number], value);
}

void metrics_add(struct metrics *metrics, enum metrics_number number, uint64_t value)
{
    series_add(&metrics->numbers[number], value);
}

uint64_t metrics_get(const struct metrics *metrics, enum metrics_number number)
{
    return series_get(&metrics->numbers[number]);
}

void metrics_observe(struct metrics *metrics, enum metrics_distribution distribution, uint64_t value)
{
    series_observe(&metrics->distributions[distribution], distributions[distribution].bounds, value);
}

void metrics_observe_call(struct metrics *metrics, enum statement statement, uint64_t us)
{
    series_observe(&metrics->calls[statement], &series_seconds, us);
}

void metrics_count_error(struct metrics *metrics, const char *sqlstate)
{
    size_t i = 0;

    while (i + 1 < COUNT(classes) && (sqlstate == NULL || strncmp(sqlstate, classes[i], 2) != 0))
        i++;
    series_add(&metrics->errors[i], 1);
}

static size_t method_index(const char *method, size_t method_len)
{
    size_t i = 0;

    while (i + 1 < COUNT(methods) &&
           (strlen(methods[i]) != method_len || memcmp(methods[i], method, method_len) != 0))
        i++;
    return i;
}

const char *metrics_method(const char *method, size_t method_len)
{
    return methods[method_index(method, method_len)];
}

static size_t status_index(int status)
{
    size_t i = 0;

    while (i < problem_status_count() && problem_status_at(i) != status)
        i++;
    return i;
}

static size_t slot(size_t route, size_t method, size_t status)
{
    return (route * COUNT(methods) + method) * (problem_status_count() + 1) + status;
}

void metrics_observe_request(struct metrics *metrics, const struct route *route, const char *method,
    size_t method_len, int status, uint64_t us)
{
    size_t index = route != NULL ? (size_t)(route - route_at(0)) : route_count();

    series_observe(&metrics->requests[slot(index, method_index(method, method_len), status_index(status))],
        &series_seconds, us);
}

/* What the workers observed of a path, which several routes may have; none is the path of route_count(). */
static struct series_total requests_of(
    const struct metrics *const *workers, size_t count, size_t route, size_t method, size_t status)
{
    struct series_total total = {0};

    for (size_t r = route; r < route_count() || r == route; r++) {
        if (r != route && strcmp(route_at(r)->path, route_at(route)->path) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            series_add_up(&total, &workers[i]->requests[slot(r, method, status)]);
    }
    return total;
}

static bool is_first_of_path(size_t route)
{
    for (size_t i = 0; route < route_count() && i < route; i++) {
        if (strcmp(route_at(i)->path, route_at(route)->path) == 0)
            return false;
    }
    return true;
}

typedef void (*render_requests)(const char *name, const char *labels, const struct series_bounds *bounds,
    const struct series_total *total, FILE *out);

static void render_count(const char *name, const char *labels, const struct series_bounds *bounds,
    const struct series_total *total, FILE *out)
{
    (void)bounds;
    series_render_number(name, labels, total->count, out);
}

static void render_all_requests(const struct metrics *const *workers, size_t count,
    const struct series_family *family, render_requests render, FILE *out)
{
    char labels[256], number_text[16];

    series_render_family(family, out);
    for (size_t route = 0; route <= route_count(); route++) {
        if (!is_first_of_path(route))
            continue;
        for (size_t method = 0; method < COUNT(methods); method++) {
            for (size_t status = 0; status <= problem_status_count(); status++) {
                struct series_total total = requests_of(workers, count, route, method, status);

                if (total.count == 0)
                    continue;
                snprintf(number_text, sizeof(number_text), "%d",
                    status < problem_status_count() ? problem_status_at(status) : 0);
                snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\",status=\"%s\"", methods[method],
                    route < route_count() ? route_at(route)->path : "none",
                    status < problem_status_count() ? number_text : "other");
                render(family->name, labels, &series_seconds, &total, out);
            }
        }
    }
}

static void render_numbers(const struct metrics *const *workers, size_t count, FILE *out)
{
    const char *last_name = "";

    for (size_t n = 0; n < METRICS_NUMBERS; n++) {
        const struct series_family *family = &numbers[n].family;
        uint64_t sum = 0;

        if (family->name == NULL)
            continue;
        if (strcmp(family->name, last_name) != 0)
            series_render_family(family, out);
        last_name = family->name;
        for (size_t i = 0; i < count; i++)
            sum += series_get(&workers[i]->numbers[n]);
        series_render_number(family->name, numbers[n].labels, sum, out);
    }
}

static void render_errors(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct series_family family = {"accountsd_database_errors_total", "counter",
        "Errors that the database raised, by the class of their SQLSTATE."};
    char labels[32];

    series_render_family(&family, out);
    for (size_t c = 0; c < COUNT(classes); c++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < count; i++)
            sum += series_get(&workers[i]->errors[c]);
        snprintf(labels, sizeof(labels), "class=\"%s\"", classes[c]);
        series_render_number(family.name, labels, sum, out);
    }
}

static void render_distributions(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct series_family call_family = {"accountsd_database_call_duration_seconds", "histogram",
        "Time from sending a call to the database to its end, by statement."};
    char labels[64];

    for (size_t d = 0; d < METRICS_DISTRIBUTIONS; d++) {
        struct series_total total = {0};

        for (size_t i = 0; i < count; i++)
            series_add_up(&total, &workers[i]->distributions[d]);
        series_render_family(&distributions[d].family, out);
        series_render_total(distributions[d].family.name, "", distributions[d].bounds, &total, out);
    }
    series_render_family(&call_family, out);
    for (size_t s = 0; s < STATEMENT_COUNT; s++) {
        struct series_total total = {0};

        for (size_t i = 0; i < count; i++)
            series_add_up(&total, &workers[i]->calls[s]);
        snprintf(labels, sizeof(labels), "statement=\"%s\"", statements[s].name);
        series_render_total(call_family.name, labels, &series_seconds, &total, out);
    }
}

void metrics_render(const struct metrics *const *workers, size_t count, FILE *out)
{
    static const struct series_family requests = {"accountsd_http_requests_total", "counter",
        "Requests that have ended, by method, path pattern and status."};
    static const struct series_family durations = {"accountsd_http_request_duration_seconds", "histogram",
        "Time from a request being there whole to its response having left, by method, path pattern and "
        "status."};

    render_all_requests(workers, count, &requests, render_count, out);
    render_all_requests(workers, count, &durations, series_render_total, out);
    render_numbers(workers, count, out);
    render_errors(workers, count, out);
    render_distributions(workers, count, out);
}
