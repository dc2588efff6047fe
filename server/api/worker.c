#include "api/worker.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "api/handler.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/memory.h"
#include "database/database.h"
#include "http/connections.h"

/* The longest time between two iterations of the loop, and so the most by which timed work is late. */
#define TICK_MS 100
/* How often a drain checks whether everything has ended. */
#define DRAIN_TICK_MS 10
/* How long dispose waits for connections to close. */
#define CLOSE_TIMEOUT_MS 1000

struct worker {
    const struct config *config;
    h2o_globalconf_t *globalconf;
    int listen_fd;
    /* From worker_start until the worker is set up. */
    SSL_CTX *tls;
    pthread_t thread;
    sem_t started;
    h2o_context_t context;
    struct connections connections;
    struct handler_context handler;
    h2o_multithread_receiver_t receiver;
    struct addresses *addresses;
    struct metrics *metrics;
    bool draining;
    /* In clock_now_us(). */
    uint64_t drain_deadline;
    size_t given_up;
};

enum message_kind { MESSAGE_SET_TLS, MESSAGE_ANNOUNCE_DRAIN, MESSAGE_DRAIN };

/* Sent by the main thread, freed by the worker. */
struct message {
    h2o_multithread_message_t super;
    enum message_kind kind;
    /* The context for new connections; the message holds a reference. */
    SSL_CTX *tls;
};

static void announce_drain(struct worker *worker)
{
    metrics_set(worker->metrics, METRICS_DRAINING, 1);
    h2o_context_request_shutdown(&worker->context);
}

static void start_drain(struct worker *worker)
{
    worker->draining = true;
    worker->drain_deadline = clock_now_us() + (uint64_t)worker->config->drain_timeout * 1000;
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);

    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        struct message *message = H2O_STRUCT_FROM_MEMBER(struct message, super.link, link);

        next = link->next;
        switch (message->kind) {
        case MESSAGE_SET_TLS:
            connections_set_tls(&worker->connections, message->tls);
            break;
        case MESSAGE_ANNOUNCE_DRAIN:
            announce_drain(worker);
            break;
        case MESSAGE_DRAIN:
            start_drain(worker);
            break;
        }
        free(message);
    }
    h2o_linklist_init_anchor(messages);
}

/* libh2o has a request for each connection on which it has started; busy ones have input. */
struct request_counts {
    size_t all, busy;
};

/* The bytes of a request stay in the connection's input until its response has been sent. */
static int count_busy(h2o_req_t *req, void *data)
{
    struct request_counts *counts = data;

    counts->all++;
    if (req->conn->callbacks->get_socket(req->conn)->input->size > 0)
        counts->busy++;
    return 0;
}

static bool has_drained(struct worker *worker)
{
    struct request_counts counts = {0};
    size_t others;
    /* Clients in the kernel's queue are connected already, so they are served too. */
    bool has_stopped = connections_stop_accepting(&worker->connections);

    worker->globalconf->http1.callbacks.foreach_request(&worker->context, count_busy, &counts);
    /* Connections in a TLS handshake or in closing are waited for, but have no requests. */
    others = worker->connections.count - counts.all;
    if ((!has_stopped || counts.busy + others > 0) && clock_now_us() < worker->drain_deadline)
        return false;
    worker->given_up = counts.busy;
    return true;
}

/* One iteration of the loop: waits for sockets, serves them, then handles deadlines. libh2o's timers are not
 * used for that because they follow the wall clock. tick: the longest wait in milliseconds. */
static void iterate(struct worker *worker, int32_t tick)
{
    h2o_loop_t *loop = worker->context.loop;
    bool is_pending = loop->_pending_as_server != NULL || loop->_pending_as_client != NULL ||
                      handler_is_waiting(&worker->handler);
    int32_t max_wait = connections_max_wait(&worker->connections);

    if (max_wait > tick)
        max_wait = tick;

    /* libh2o waits even if callbacks are due. */
    h2o_evloop_run(loop, is_pending ? 0 : max_wait);
    handler_run(&worker->handler);
    database_run(worker->handler.database);
    connections_run(&worker->connections);
    metrics_set(worker->metrics, METRICS_HEARTBEAT, clock_now_us());
}

static void dispose(struct worker *worker)
{
    h2o_loop_t *loop = worker->context.loop;
    uint64_t deadline = clock_now_us() + CLOSE_TIMEOUT_MS * 1000UL;

    connections_shut_down(&worker->connections);
    while (worker->connections.count > 0 && clock_now_us() < deadline)
        iterate(worker, DRAIN_TICK_MS);
    database_destroy(worker->handler.database);
    refused_tokens_free(worker->handler.refused_tokens);
    /* One more iteration frees closed sockets. */
    h2o_evloop_run(loop, 0);
    h2o_multithread_unregister_receiver(worker->context.queue, &worker->receiver);
    if (worker->connections.count > 0)
        return;
    connections_dispose(&worker->connections);
    h2o_context_dispose(&worker->context);
    h2o_evloop_destroy(loop);
}

/* Must run on the worker's thread: libh2o keeps buffers per thread, without locks, and ties them to the
 * thread that created the socket. */
static void set_up(struct worker *worker)
{
    h2o_context_init(&worker->context, h2o_evloop_create(), worker->globalconf);
    worker->handler.config = worker->config;
    worker->handler.metrics = worker->metrics;
    worker->handler.refused_tokens = refused_tokens_create((uint64_t)worker->config->refusal_lifetime * 1000);
    worker->handler.database = database_create(&worker->context, worker->config, worker->metrics);
    handler_attach(&worker->context, worker->globalconf->hosts[0], &worker->handler);
    h2o_multithread_register_receiver(worker->context.queue, &worker->receiver, on_messages);
    connections_init(&worker->connections, worker->config, worker->handler.templates, &worker->context,
        worker->listen_fd, worker->tls, worker->addresses, worker->metrics);
    worker->tls = NULL;
    metrics_set(worker->metrics, METRICS_HEARTBEAT, clock_now_us());
}

static void *run(void *data)
{
    struct worker *worker = data;
    bool idle = false, was_idle = false;

    set_up(worker);
    sem_post(&worker->started);
    while (!worker->draining)
        iterate(worker, TICK_MS);
    /* Idle twice in succession, so that data in the kernel's buffers at the first check has been read. */
    while (!idle || !was_idle) {
        was_idle = idle;
        iterate(worker, DRAIN_TICK_MS);
        idle = has_drained(worker);
    }
    dispose(worker);
    return NULL;
}

struct worker *worker_start(const struct config *config, h2o_globalconf_t *globalconf, int listen_fd,
    SSL_CTX *tls, const struct templates *templates, struct addresses *addresses, struct metrics *metrics)
{
    struct worker *worker = memory_require(calloc(1, sizeof(*worker)));

    worker->config = config;
    worker->globalconf = globalconf;
    worker->listen_fd = listen_fd;
    worker->tls = tls;
    worker->addresses = addresses;
    worker->metrics = metrics;
    worker->handler.templates = templates;
    sem_init(&worker->started, 0, 0);
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        die("cannot start a thread");
    pthread_setname_np(worker->thread, "worker");
    while (sem_wait(&worker->started) != 0)
        ;
    return worker;
}

static void send_message(struct worker *worker, enum message_kind kind, SSL_CTX *tls)
{
    struct message *message = memory_require(calloc(1, sizeof(*message)));

    message->kind = kind;
    if ((message->tls = tls) != NULL)
        SSL_CTX_up_ref(tls);
    h2o_multithread_send_message(&worker->receiver, &message->super);
}

void worker_set_tls(struct worker *worker, SSL_CTX *tls)
{
    send_message(worker, MESSAGE_SET_TLS, tls);
}

void worker_announce_drain(struct worker *worker)
{
    send_message(worker, MESSAGE_ANNOUNCE_DRAIN, NULL);
}

void worker_drain(struct worker *worker)
{
    send_message(worker, MESSAGE_DRAIN, NULL);
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
