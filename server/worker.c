#include "worker.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "database.h"
#include "handler.h"

/* Accepted in one go before the connections that are there get their turn. */
#define MAX_ACCEPTS 16
/* How often a drain looks whether everything has ended. */
#define DRAIN_TICK_MS 10
/* How long idle connections get to close at the end. */
#define CLOSE_TIMEOUT_MS 1000

struct worker {
    const struct config *config;
    h2o_globalconf_t *globalconf;
    int listen_fd;
    pthread_t thread;
    sem_t started;
    bool is_set_up;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;
    struct handler_context handler;
    h2o_multithread_receiver_t receiver;
    h2o_multithread_message_t announcement, drain_message;
    struct metrics *metrics;
    h2o_timeout_entry_t heartbeat;
    size_t connections, max_connections;
    bool draining;
    uint64_t drain_deadline;
    size_t given_up;
};

static void on_accept(h2o_socket_t *listener, const char *error);

static void show_connections(struct worker *worker)
{
    metrics_set(worker->metrics, METRICS_CLIENT_CONNECTIONS, worker->connections);
}

static void on_connection_close(void *data)
{
    struct worker *worker = data;

    worker->connections--;
    show_connections(worker);
    if (worker->listener != NULL && !h2o_socket_is_reading(worker->listener))
        h2o_socket_read_start(worker->listener, on_accept);
}

/* At the cap the listener rests, and clients wait in the kernel's queue until a connection closes. */
static void accept_connections(struct worker *worker, size_t max)
{
    h2o_socket_t *socket;

    while (max-- > 0) {
        if (worker->connections >= worker->max_connections) {
            h2o_socket_read_stop(worker->listener);
            return;
        }
        if ((socket = h2o_evloop_socket_accept(worker->listener)) == NULL)
            return;
        worker->connections++;
        show_connections(worker);
        metrics_add(worker->metrics, METRICS_CLIENT_CONNECTIONS_ACCEPTED, 1);
        socket->on_close.cb = on_connection_close;
        socket->on_close.data = worker;
        h2o_accept(&worker->accept, socket);
    }
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    if (error == NULL)
        accept_connections(listener->data, MAX_ACCEPTS);
}

static void on_heartbeat(h2o_timeout_entry_t *entry)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, heartbeat, entry);

    metrics_set(worker->metrics, METRICS_HEARTBEAT, metrics_now());
    h2o_timeout_link(worker->context.loop, &worker->context.one_sec_timeout, entry);
}

static void announce_drain(struct worker *worker)
{
    metrics_set(worker->metrics, METRICS_DRAINING, 1);
    h2o_context_request_shutdown(&worker->context);
}

/* Who is in the kernel's queue has been let in by it: they are served as well. */
static void start_drain(struct worker *worker)
{
    worker->draining = true;
    worker->drain_deadline = h2o_now(worker->context.loop) + (uint64_t)worker->config->drain_timeout;
    accept_connections(worker, SIZE_MAX);
    h2o_socket_read_stop(worker->listener);
    h2o_socket_close(worker->listener);
    worker->listener = NULL;
}

/* On the worker's thread. */
static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);

    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        next = link->next;
        h2o_linklist_unlink(link);
        if (link == &worker->announcement.link)
            announce_drain(worker);
        else
            start_drain(worker);
    }
}

/* A connection with bytes in its input has a request that is arriving or being worked on. */
static int count_busy(h2o_req_t *req, void *data)
{
    size_t *busy = data;

    if (req->conn->callbacks->get_socket(req->conn)->input->size > 0)
        (*busy)++;
    return 0;
}

static bool has_drained(struct worker *worker)
{
    size_t busy = worker->handler.in_flight;

    worker->globalconf->http1.callbacks.foreach_request(&worker->context, count_busy, &busy);
    if (busy > 0 && h2o_now(worker->context.loop) < worker->drain_deadline)
        return false;
    worker->given_up = busy;
    return true;
}

/* The client of an idle connection sees its end; libh2o sees it too, and frees what it has about it. */
static int shut_down(h2o_req_t *req, void *data)
{
    (void)data;
    shutdown(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SHUT_RDWR);
    return 0;
}

static void dispose(struct worker *worker)
{
    h2o_loop_t *loop = worker->context.loop;
    uint64_t deadline = h2o_now(loop) + CLOSE_TIMEOUT_MS;

    worker->globalconf->http1.callbacks.foreach_request(&worker->context, shut_down, NULL);
    while (worker->connections > 0 && h2o_now(loop) < deadline)
        h2o_evloop_run(loop, DRAIN_TICK_MS);
    h2o_timeout_unlink(&worker->heartbeat);
    database_destroy(worker->handler.database);
    /* One more turn, in which closed sockets are freed. */
    h2o_evloop_run(loop, 0);
    h2o_multithread_unregister_receiver(worker->context.queue, &worker->receiver);
    if (worker->connections > 0)
        return;
    h2o_context_dispose(&worker->context);
    h2o_evloop_destroy(loop);
}

/* On the worker's thread, as all that is of its loop: libh2o keeps buffers for reuse by thread, and ties each
 * to the thread that made the socket that it is for, without a lock. */
static bool set_up(struct worker *worker)
{
    h2o_loop_t *loop = h2o_evloop_create();

    h2o_context_init(&worker->context, loop, worker->globalconf);
    worker->accept.ctx = &worker->context;
    worker->accept.hosts = worker->globalconf->hosts;
    worker->handler.config = worker->config;
    worker->handler.metrics = worker->metrics;
    worker->handler.database = database_create(&worker->context, worker->config, worker->metrics);
    if (worker->handler.database == NULL)
        return false;
    handler_attach(&worker->context, worker->globalconf->hosts[0], &worker->handler);
    h2o_multithread_register_receiver(worker->context.queue, &worker->receiver, on_message);
    worker->listener = h2o_evloop_socket_create(loop, worker->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->listener->data = worker;
    h2o_socket_read_start(worker->listener, on_accept);
    metrics_set(worker->metrics, METRICS_CLIENT_CONNECTIONS_MAX, worker->max_connections);
    worker->heartbeat.cb = on_heartbeat;
    on_heartbeat(&worker->heartbeat);
    return true;
}

static void *run(void *data)
{
    struct worker *worker = data;
    bool idle = false, was_idle = false;

    worker->is_set_up = set_up(worker);
    sem_post(&worker->started);
    if (!worker->is_set_up)
        return NULL;
    while (!worker->draining)
        h2o_evloop_run(worker->context.loop, INT32_MAX);
    /* Twice idle, so that what was in the kernel's buffers at the first look has been read by the second. */
    while (!idle || !was_idle) {
        was_idle = idle;
        h2o_evloop_run(worker->context.loop, DRAIN_TICK_MS);
        idle = has_drained(worker);
    }
    dispose(worker);
    return NULL;
}

/* Waits until the worker is set up. */
static bool start_thread(struct worker *worker)
{
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        return false;
    pthread_setname_np(worker->thread, "worker");
    while (sem_wait(&worker->started) != 0)
        ;
    if (worker->is_set_up)
        return true;
    pthread_join(worker->thread, NULL);
    return false;
}

struct worker *worker_start(
    const struct config *config, h2o_globalconf_t *globalconf, int listen_fd, struct metrics *metrics)
{
    struct worker *worker = h2o_mem_alloc(sizeof(*worker));

    memset(worker, 0, sizeof(*worker));
    worker->config = config;
    worker->globalconf = globalconf;
    worker->listen_fd = listen_fd;
    worker->metrics = metrics;
    worker->max_connections = (size_t)((config->max_connections + config->workers - 1) / config->workers);
    sem_init(&worker->started, 0, 0);
    if (start_thread(worker))
        return worker;
    /* The process is about to end; the loop's descriptors go with it. */
    sem_destroy(&worker->started);
    free(worker);
    return NULL;
}

void worker_announce_drain(struct worker *worker)
{
    h2o_multithread_send_message(&worker->receiver, &worker->announcement);
}

void worker_drain(struct worker *worker)
{
    h2o_multithread_send_message(&worker->receiver, &worker->drain_message);
}

size_t worker_join(struct worker *worker)
{
    size_t given_up;

    pthread_join(worker->thread, NULL);
    given_up = worker->given_up;
    sem_destroy(&worker->started);
    free(worker);
    return given_up;
}
