#include "http/telemetry_port.h"

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/die.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/trace.h"
#include "http/http1.h"
#include "http/listener.h"
#include "http/problem.h"
#include "http/request_head.h"
#include "http/response.h"
#include "telemetry/metrics.h"
#include "telemetry/process.h"
#include "telemetry/prometheus.h"

#define STOP_TICK_MS 10
#define CLOSE_TIMEOUT_MS 1000

#define METRICS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A slot for a connection; socket is NULL while the slot is free. */
struct telemetry_connection {
    struct telemetry *telemetry;
    h2o_socket_t *socket;
    /* In clock_now_us(). */
    uint64_t deadline;
};

struct telemetry {
    const struct config *config;
    const struct telemetry_source *source;
    int listen_fd;
    pthread_t thread;
    sem_t started;
    h2o_globalconf_t globalconf;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;
    h2o_multithread_receiver_t receiver;
    h2o_multithread_message_t stop_message;
    struct telemetry_connection slots[TELEMETRY_MAX_CONNECTIONS];
    size_t connections;
    bool stopping;
};

struct telemetry_handler {
    h2o_handler_t super;
    struct telemetry *telemetry;
};

/* text: NULL if memory ran out. */
static void send_text(h2o_req_t *req, int status, const char *media_type, const char *text, size_t len)
{
    if (text == NULL)
        status = 503;
    req->res.status = status;
    req->res.reason = problem_title(status);
    req->res.content_length = text != NULL ? len : 0;
    h2o_add_header(
        &req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, media_type, strlen(media_type));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL, H2O_STRLIT("no-store"));
    h2o_send_inline(req, text, text != NULL ? len : 0);
}

static void send_problem(h2o_req_t *req, int status, const char *detail)
{
    struct problem problem = {.status = status, .detail = detail};
    struct trace trace;
    size_t len = 0;
    char *text;

    trace_make(&trace);
    text = problem_render(&problem, trace.parent, &len);
    send_text(req, status, PROBLEM_MEDIA_TYPE, text, len);
    free(text);
}

static void send_health(const struct telemetry *telemetry, h2o_req_t *req, enum health_question question)
{
    bool passes;
    char *text = telemetry->source->report_health(telemetry->source->data, question, &passes);

    send_text(req, passes ? 200 : 503, RESPONSE_JSON_MEDIA_TYPE, text, text != NULL ? strlen(text) : 0);
    free(text);
}

static void send_live(const struct telemetry *telemetry, h2o_req_t *req)
{
    send_health(telemetry, req, HEALTH_LIVE);
}

static void send_ready(const struct telemetry *telemetry, h2o_req_t *req)
{
    send_health(telemetry, req, HEALTH_READY);
}

static void write_log_metrics(FILE *out)
{
    static const struct prometheus_number lines = PROMETHEUS_COUNTER("log_lines_dropped", "",
        "Log lines dropped because the buffer for stderr was full or memory ran out.");

    prometheus_render_family(&lines.family, out);
    prometheus_render_number(lines.family.name, lines.labels, log_lines_dropped(), out);
}

static void send_metrics(const struct telemetry *telemetry, h2o_req_t *req)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool is_whole = false;

    if (out != NULL) {
        prometheus_render_build(out);
        is_whole = process_write_metrics(out);
        write_log_metrics(out);
        telemetry->source->write_metrics(telemetry->source->data, out);
        is_whole = is_whole && ferror(out) == 0;
        is_whole = fclose(out) == 0 && is_whole;
    }
    if (is_whole)
        send_text(req, 200, METRICS_MEDIA_TYPE, text, len);
    else
        send_problem(req, 503, NULL);
    free(text);
}

static const struct {
    const char *path;
    void (*send)(const struct telemetry *telemetry, h2o_req_t *req);
} pages[] = {{"/live", send_live}, {"/ready", send_ready}, {"/metrics", send_metrics}};

static void route(const struct telemetry *telemetry, h2o_req_t *req)
{
    size_t path_len = req->query_at == SIZE_MAX ? req->path.len : req->query_at;

    for (size_t i = 0; i < COUNT(pages); i++) {
        if (!h2o_memis(req->path.base, path_len, pages[i].path, strlen(pages[i].path)))
            continue;
        if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")) ||
            h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"))) {
            pages[i].send(telemetry, req);
            return;
        }
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_ALLOW, NULL, H2O_STRLIT("GET, HEAD"));
        send_problem(req, 405, NULL);
        return;
    }
    send_problem(req, 404, NULL);
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    const struct telemetry *telemetry =
        H2O_STRUCT_FROM_MEMBER(struct telemetry_handler, super, self)->telemetry;
    h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);
    struct request_head head;
    const char *reason;

    /* One request per connection, because the deadline is of the connection. */
    req->http1_is_persistent = 0;
    /* No request on this port needs a body, so every other verdict is answered with 400. */
    if (request_head_check(socket->input->bytes, socket->input->size,
            (size_t)telemetry->config->max_head_size, &head, &reason) != REQUEST_HEAD_OK)
        send_problem(req, 400, reason);
    else
        route(telemetry, req);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error);

static void on_connection_close(void *data)
{
    struct telemetry_connection *connection = data;
    struct telemetry *telemetry = connection->telemetry;

    connection->socket = NULL;
    telemetry->connections--;
    if (telemetry->listener != NULL && !h2o_socket_is_reading(telemetry->listener))
        h2o_socket_read_start(telemetry->listener, on_accept);
}

/* libh2o closes the socket when the loop runs. */
static void shut_down(const struct telemetry_connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

/* The deadline of a connection that begins now. */
static uint64_t deadline_of(const struct telemetry *telemetry)
{
    return clock_now_us() + (uint64_t)telemetry->config->request_timeout * 1000;
}

/* Shuts down connections whose deadline has passed. Returns how many milliseconds the loop may wait. */
static int32_t end_overdue(struct telemetry *telemetry)
{
    uint64_t now = clock_now_us(), next = deadline_of(telemetry);

    for (size_t i = 0; i < TELEMETRY_MAX_CONNECTIONS; i++) {
        struct telemetry_connection *connection = &telemetry->slots[i];

        if (connection->socket == NULL)
            continue;
        if (connection->deadline <= now) {
            shut_down(connection);
            connection->deadline = deadline_of(telemetry);
        }
        if (connection->deadline < next)
            next = connection->deadline;
    }
    return (int32_t)((next - now) / 1000) + 1;
}

static struct telemetry_connection *find_slot(struct telemetry *telemetry)
{
    struct telemetry_connection *slot = telemetry->slots;

    while (slot->socket != NULL)
        slot++;
    return slot;
}

/* At the limit the listener stops accepting, and clients wait in its backlog until a connection closes. */
static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct telemetry *telemetry = listener->data;
    struct telemetry_connection *connection;
    h2o_socket_t *socket;

    if (error != NULL || (socket = h2o_evloop_socket_accept(listener)) == NULL)
        return;
    connection = find_slot(telemetry);
    *connection = (struct telemetry_connection){telemetry, socket, deadline_of(telemetry)};
    socket->on_close.cb = on_connection_close;
    socket->on_close.data = connection;
    if (++telemetry->connections >= TELEMETRY_MAX_CONNECTIONS)
        h2o_socket_read_stop(listener);
    h2o_accept(&telemetry->accept, socket);
}

static void on_stop_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct telemetry *telemetry = H2O_STRUCT_FROM_MEMBER(struct telemetry, receiver, receiver);

    h2o_linklist_unlink(messages->next);
    telemetry->stopping = true;
}

static void dispose(struct telemetry *telemetry)
{
    h2o_loop_t *loop = telemetry->context.loop;
    uint64_t deadline = clock_now_us() + CLOSE_TIMEOUT_MS * 1000UL;

    h2o_socket_read_stop(telemetry->listener);
    h2o_socket_close(telemetry->listener);
    telemetry->listener = NULL;
    for (size_t i = 0; i < TELEMETRY_MAX_CONNECTIONS; i++) {
        if (telemetry->slots[i].socket != NULL)
            shut_down(&telemetry->slots[i]);
    }
    do
        h2o_evloop_run(loop, STOP_TICK_MS);
    while (telemetry->connections > 0 && clock_now_us() < deadline);
    h2o_multithread_unregister_receiver(telemetry->context.queue, &telemetry->receiver);
    if (telemetry->connections > 0)
        return;
    h2o_context_dispose(&telemetry->context);
    h2o_evloop_destroy(loop);
    h2o_config_dispose(&telemetry->globalconf);
}

static void configure_h2o(struct telemetry *telemetry)
{
    h2o_hostconf_t *host = http1_configure(&telemetry->globalconf, (size_t)telemetry->config->max_body_size);
    struct telemetry_handler *handler = (struct telemetry_handler *)h2o_create_handler(
        &host->fallback_path, sizeof(struct telemetry_handler));
    handler->super.on_req = on_req;
    handler->telemetry = telemetry;
}

/* On the telemetry thread, for the reason given at set_up in worker.c. */
static void set_up(struct telemetry *telemetry)
{
    configure_h2o(telemetry);
    h2o_context_init(&telemetry->context, h2o_evloop_create(), &telemetry->globalconf);
    telemetry->accept.ctx = &telemetry->context;
    telemetry->accept.hosts = telemetry->globalconf.hosts;
    h2o_multithread_register_receiver(telemetry->context.queue, &telemetry->receiver, on_stop_message);
    telemetry->listener =
        h2o_evloop_socket_create(telemetry->context.loop, telemetry->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    telemetry->listener->data = telemetry;
    h2o_socket_read_start(telemetry->listener, on_accept);
}

static void *run(void *data)
{
    struct telemetry *telemetry = data;

    set_up(telemetry);
    sem_post(&telemetry->started);
    while (!telemetry->stopping)
        h2o_evloop_run(telemetry->context.loop, end_overdue(telemetry));
    dispose(telemetry);
    return NULL;
}

int telemetry_open(const struct config *config, int *port)
{
    const struct endpoint endpoint = {.host = config->telemetry_address,
        .port = config->telemetry_port,
        .send_timeout_ms = config->send_timeout};
    int fd;

    *port = 0;
    if (*endpoint.host == '\0')
        return -1;
    *port = listener_open(&endpoint, &fd, 1);
    return fd;
}

struct telemetry *telemetry_start(
    const struct config *config, const struct telemetry_source *source, int listen_fd)
{
    struct telemetry *telemetry;

    if (listen_fd < 0)
        return NULL;
    telemetry = memory_require(calloc(1, sizeof(*telemetry)));
    telemetry->config = config;
    telemetry->source = source;
    telemetry->listen_fd = listen_fd;
    sem_init(&telemetry->started, 0, 0);
    if (pthread_create(&telemetry->thread, NULL, run, telemetry) != 0)
        die("cannot start a thread");
    pthread_setname_np(telemetry->thread, "telemetry");
    while (sem_wait(&telemetry->started) != 0)
        ;
    return telemetry;
}

void telemetry_stop(struct telemetry *telemetry)
{
    if (telemetry == NULL)
        return;
    h2o_multithread_send_message(&telemetry->receiver, &telemetry->stop_message);
    pthread_join(telemetry->thread, NULL);
    sem_destroy(&telemetry->started);
    free(telemetry);
}
