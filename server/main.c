#include <errno.h>
#include <h2o.h>
#include <libpq-fe.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/bearer.h"
#include "api/handler.h"
#include "api/labels.h"
#include "api/worker.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/count.h"
#include "base/cpus.h"
#include "base/die.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/version.h"
#include "config_check.h"
#include "database/postgres.h"
#include "database/session.h"
#include "delivery/delivery_loop.h"
#include "http/connection.h"
#include "http/http1.h"
#include "http/listener.h"
#include "http/telemetry_port.h"
#include "http/tls.h"
#include "telemetry/health.h"
#include "telemetry/metrics.h"
#include "words/template.h"

/* libh2o's limit of bodies. A larger Content-Length is refused at once; a body above --max-body-size is
 * refused when that much has arrived, or by the handler. */
#define H2O_MAX_BODY (4L * 1024 * 1024)
/* Open files besides client connections: of the process itself and of the telemetry port. */
#define OTHER_DESCRIPTORS (32 + TELEMETRY_MAX_CONNECTIONS)
/* For each worker: its loop, its listener, and for each host of the database a socket and an eventfd. */
#define DESCRIPTORS_OF_WORKER (16 + 2 * POSTGRES_HOSTS_MAX)
/* libpq's and the duplicate for the loop. */
#define DESCRIPTORS_OF_DATABASE_CONNECTION 2

/* In bytes. glibc's default is four times as large and grows, so the buffers of many connections would
 * fragment the heap, and their memory would not be returned. */
#define MMAP_THRESHOLD (32 * 1024)

/* For --fail-fast: dies if the database cannot be reached or its schema is not supported. */
static void require_database(const struct config *config)
{
    char error[POSTGRES_ERROR_MAX];
    bool is_schema_unsupported;
    PGconn *pg = session_open_prepared(config, -1, error, &is_schema_unsupported);

    if (pg == NULL)
        die(error);
    PQfinish(pg);
}

static void configure_h2o(h2o_globalconf_t *globalconf, const struct config *config)
{
    const long max_body_size = config->max_body_size * 2;

    handler_register(
        http1_configure(globalconf, (size_t)(max_body_size > H2O_MAX_BODY ? max_body_size : H2O_MAX_BODY)));
}

/* Gives load balancers time to notice the drain. A second stop signal ends the delay. */
static void await_drain_delay(const struct config *config)
{
    uint64_t now = clock_now_us(), until = now + (uint64_t)config->drain_delay * 1000;
    struct pollfd stop = {.fd = signals_stop_fd(), .events = POLLIN};

    for (; now < until; now = clock_now_us()) {
        if (poll(&stop, 1, (int)((until - now) / 1000) + 1) > 0)
            return;
    }
}

static SSL_CTX *load_tls(const struct config *config, char error[TLS_ERROR_MAX])
{
    SSL_CTX *tls = tls_load(config->tls_certificate, config->tls_key, error);

    if (tls != NULL)
        connection_watch_alerts(tls);
    return tls;
}

/* Loads the certificate; NULL if none is configured. Dies if it cannot be used. */
static SSL_CTX *require_tls(const struct config *config)
{
    char error[TLS_ERROR_MAX];
    SSL_CTX *tls;

    if (*config->tls_certificate == '\0')
        return NULL;
    if ((tls = load_tls(config, error)) == NULL)
        die(error);
    return tls;
}

/* Reloads the certificate for new connections. If it cannot be used, the old one stays. */
static void reload_tls(const struct config *config, struct worker *const *workers)
{
    char error[TLS_ERROR_MAX];
    SSL_CTX *tls;

    if (*config->tls_certificate == '\0')
        return;
    if ((tls = load_tls(config, error)) == NULL) {
        log_event("certificate_not_reloaded", json_pack("{s:s}", "reason", error));
        return;
    }
    for (long i = 0; i < config->workers; i++)
        worker_set_tls(workers[i], tls);
    SSL_CTX_free(tls);
    log_event("certificate_reloaded", json_pack("{s:s}", "path", config->tls_certificate));
}

/* Raises the limit of open files, or lowers --max-connections to what it allows: without a free descriptor
 * the loop would retry accept without end. */
static void provide_descriptors(struct config *config)
{
    struct rlimit limit;
    rlim_t others =
               (rlim_t)(OTHER_DESCRIPTORS +
                        config->workers * (DESCRIPTORS_OF_WORKER + config->database_connections *
                                                                       DESCRIPTORS_OF_DATABASE_CONNECTION)),
           needed = others + (rlim_t)config->max_connections;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed ? needed : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die(strerror(errno));
    if (limit.rlim_cur >= needed)
        return;
    if (limit.rlim_cur <= others)
        die("the limit of open files (ulimit -n) is too low");
    config->max_connections = (long)(limit.rlim_cur - others);
    log_event("max_connections_lowered", json_pack("{s:i, s:i}", "open_files", (int)limit.rlim_cur,
                                             "max_connections", (int)config->max_connections));
}

/* Waits for a stop signal and returns it. Reloads the certificate on each SIGHUP. */
static int await_stop(const struct config *config, struct worker *const *workers)
{
    struct pollfd fds[] = {
        {.fd = signals_stop_fd(), .events = POLLIN}, {.fd = signals_reload_fd(), .events = POLLIN}};
    eventfd_t count;
    int signal;

    while ((signal = signals_take_stop()) == 0) {
        poll(fds, COUNT(fds), -1);
        if (eventfd_read(signals_reload_fd(), &count) == 0)
            reload_tls(config, workers);
    }
    return signal;
}

/* The source of the telemetry port. */
struct workers {
    const struct config *config;
    const struct metrics *const *metrics;
    size_t count;
};

static char *report_health(const void *data, enum health_question question, bool *passes)
{
    const struct workers *workers = data;

    return health_report(question, workers->metrics, workers->count, clock_now_us(),
        (uint64_t)workers->config->stall_timeout * 1000, passes);
}

static void write_metrics(const void *data, FILE *out)
{
    const struct workers *workers = data;
    uint64_t now = clock_now_us();

    prometheus_render_family(&health_heartbeat_family, out);
    for (size_t i = 0; i < workers->count; i++) {
        char labels[40];

        snprintf(labels, sizeof(labels), "{worker=\"%zu\"}", i);
        health_render_heartbeat(labels, metrics_get(workers->metrics[i], METRICS_HEARTBEAT), now, out);
    }
    metrics_render(workers->metrics, workers->count, out);
}

/* Serves until SIGTERM or SIGINT, then drains. */
static int serve(const struct config *config)
{
    static h2o_globalconf_t globalconf;
    const struct endpoint endpoint = {.host = config->listen_address,
        .port = config->port,
        .is_shared = config->reuse_port != 0,
        .send_timeout_ms = config->send_timeout};
    size_t count = (size_t)config->workers, given_up = 0;
    struct worker **workers = memory_require(calloc(count, sizeof(struct worker *)));
    struct metrics **metrics = memory_require(calloc(count, sizeof(struct metrics *)));
    const struct workers view = {config, (const struct metrics *const *)metrics, count};
    const struct telemetry_source source = {&view, report_health, write_metrics};
    struct telemetry *telemetry;
    int *listeners = memory_require(calloc(count, sizeof(*listeners))), telemetry_fd, telemetry_port, port;

    struct addresses *addresses = NULL;
    SSL_CTX *tls = require_tls(config);
    struct templates *templates = templates_require(config->templates);

    if (!bearer_prepare())
        die("OpenSSL cannot hash");
    if (config->fail_fast)
        require_database(config);
    configure_h2o(&globalconf, config);
    if (config->max_connections_per_address > 0 || config->max_requests_per_address > 0)
        addresses = addresses_create((size_t)(config->max_connections + config->workers));
    /* All ports are opened before the first is served. */
    telemetry_fd = telemetry_open(config, &telemetry_port);
    port = listener_open(&endpoint, listeners, count);
    /* From here on a stop must wait for requests. */
    signals_pass(config->drain_delay > 0 ? 2 : 1);
    for (size_t i = 0; i < count; i++) {
        metrics[i] = metrics_create(labels_of_api());
        workers[i] = worker_start(config, &globalconf, listeners[i], tls, templates, addresses, metrics[i]);
    }
    telemetry = telemetry_start(config, &source, telemetry_fd);
    log_event(
        "listening", json_pack("{s:s, s:i, s:i, s:b, s:i}", "address", config->listen_address, "port", port,
                         "workers", (int)count, "tls", tls != NULL, "telemetry_port", telemetry_port));
    SSL_CTX_free(tls);
    free(listeners);

    log_event("draining", json_pack("{s:s}", "signal", strsignal(await_stop(config, workers))));
    for (size_t i = 0; i < count; i++)
        worker_announce_drain(workers[i]);
    await_drain_delay(config);
    signals_pass(0);
    for (size_t i = 0; i < count; i++)
        worker_drain(workers[i]);
    for (size_t i = 0; i < count; i++)
        given_up += worker_join(workers[i]);
    /* Last, so that it reports the drain to its end. */
    telemetry_stop(telemetry);
    for (size_t i = 0; i < count; i++)
        metrics_free(metrics[i]);
    addresses_free(addresses);
    templates_free(templates);
    free(metrics);
    free(workers);
    log_event("stopped", json_pack("{s:i}", "requests_given_up", (int)given_up));
    return given_up == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Delivers until SIGTERM or SIGINT, then drains. */
static int deliver(const struct config *config)
{
    int telemetry_port, telemetry_fd = telemetry_open(config, &telemetry_port);
    struct delivery_loop *loop = delivery_loop_start(config);
    const struct telemetry_source source = {
        delivery_loop_metrics(loop), delivery_metrics_report_health, delivery_metrics_write_metrics};
    struct telemetry *telemetry = telemetry_start(config, &source, telemetry_fd);
    bool is_complete;

    log_event(
        "delivering", json_pack("{s:s, s:i, s:i}", "to", *config->smtp_url != '\0' ? "smtp" : "files",
                          "mails_in_flight", (int)config->mails_in_flight, "telemetry_port", telemetry_port));
    is_complete = delivery_loop_run(loop);
    telemetry_stop(telemetry);
    delivery_loop_free(loop);
    log_event("stopped", NULL);
    return is_complete ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct config config;
    enum config_action action;
    bool is_valid;
    int status;

    memory_watch();
    action = config_load(&config, argc, argv, stderr);
    if (action == CONFIG_HELP) {
        config_write_help(config.command, stdout);
        return EXIT_SUCCESS;
    }
    if (action == CONFIG_VERSION) {
        puts("accountsd " ACCOUNTSD_VERSION);
        return EXIT_SUCCESS;
    }
    /* Report all mistakes at once. */
    is_valid = action != CONFIG_INVALID;
    is_valid &= config_check_options(&config, stderr);
    is_valid &= config_check_references(&config, stderr);
    if (!is_valid)
        return EXIT_FAILURE;
    if (action == CONFIG_CHECK) {
        puts("accountsd: the configuration is valid");
        return EXIT_SUCCESS;
    }
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    signals_start();
    log_start((size_t)config.log_buffer);
    if (config.command == CONFIG_DELIVER) {
        status = deliver(&config);
    } else {
        if (config.workers == 0)
            config.workers = cpus_available();
        if (config.workers > CONFIG_WORKERS_MAX)
            config.workers = CONFIG_WORKERS_MAX;
        provide_descriptors(&config);
        status = serve(&config);
    }
    log_close();
    return status;
}
