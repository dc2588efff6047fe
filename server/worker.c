#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "database.h"
#include "handler.h"

/* How often a drain looks whether everything has ended. */
#define DRAIN_TICK_MS 10
/* How long idle connections get to close at the end. */
#define CLOSE_TIMEOUT_MS 1000

struct worker {
    const struct config *config;
    h2o_globalconf_t *globalconf;
    pthread_t thread;
    h2o_context_t context;
    struct connections connections;
    struct handler_context handler;
    h2o_multithread_receiver_t receiver;
    bool draining;
    uint64_t drain_deadline;
    size_t given_up;
};

/* From the main thread; freed by the worker. */
struct message {
    h2o_multithread_message_t super;
    /* The context for connections to come, with a reference of the message's own; NULL: drain. */
    SSL_CTX *tls;
};

/* Who is in the kernel's queue has been let in by it: they are served as well. */
static void start_drain(struct worker *worker)
{
    worker->draining = true;
    worker->drain_deadline = h2o_now(worker->context.loop) + (uint64_t)worker->config->drain_timeout;
    connections_stop_accepting(&worker->connections);
    h2o_context_request_shutdown(&worker->context);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);

    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        struct message *message = H2O_STRUCT_FROM_MEMBER(struct message, super.link, link);

        next = link->next;
        if (message->tls != NULL)
            connections_set_tls(&worker->connections, message->tls);
        else
            start_drain(worker);
        free(message);
    }
    h2o_linklist_init_anchor(messages);
}

struct census {
    size_t all, busy;
};

/* A connection with bytes in its input has a request that is arriving or being worked on. */
static int count_busy(h2o_req_t *req, void *data)
{
    struct census *census = data;

    census->all++;
    if (req->conn->callbacks->get_socket(req->conn)->input->size > 0)
        census->busy++;
    return 0;
}

static bool has_drained(struct worker *worker)
{
    struct census census = {0};
    size_t busy;

    worker->globalconf->http1.callbacks.foreach_request(&worker->context, count_busy, &census);
    /* Those that libh2o has not among its requests are shaking hands, or saying goodbye. */
    busy = worker->handler.in_flight + census.busy + worker->connections.count - census.all;
    if (busy > 0 && h2o_now(worker->context.loop) < worker->drain_deadline)
        return false;
    worker->given_up = busy;
    return true;
}

static void dispose(struct worker *worker)
{
    h2o_loop_t *loop = worker->context.loop;
    uint64_t deadline = h2o_now(loop) + CLOSE_TIMEOUT_MS;

    connections_shut_down(&worker->connections);
    while (worker->connections.count > 0 && h2o_now(loop) < deadline)
        h2o_evloop_run(loop, DRAIN_TICK_MS);
    database_destroy(worker->handler.database);
    /* One more turn, in which closed sockets are freed. */
    h2o_evloop_run(loop, 0);
    h2o_multithread_unregister_receiver(worker->context.queue, &worker->receiver);
    if (worker->connections.count > 0)
        return;
    connections_dispose(&worker->connections);
    h2o_context_dispose(&worker->context);
    h2o_evloop_destroy(loop);
}

static void *run(void *data)
{
    struct worker *worker = data;
    bool idle = false, was_idle = false;

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

struct worker *worker_start(
    const struct config *config, h2o_globalconf_t *globalconf, int listen_fd, SSL_CTX *tls)
{
    struct worker *worker = h2o_mem_alloc(sizeof(*worker));
    h2o_loop_t *loop = h2o_evloop_create();

    memset(worker, 0, sizeof(*worker));
    worker->config = config;
    worker->globalconf = globalconf;
    h2o_context_init(&worker->context, loop, globalconf);
    worker->handler.config = config;
    worker->handler.database = database_create(&worker->context, config);
    if (worker->handler.database == NULL)
        goto failed;
    handler_attach(&worker->context, globalconf->hosts[0], &worker->handler);
    h2o_multithread_register_receiver(worker->context.queue, &worker->receiver, on_messages);
    connections_init(&worker->connections, config, &worker->context, listen_fd, tls);
    if (pthread_create(&worker->thread, NULL, run, worker) == 0)
        return worker;
    database_destroy(worker->handler.database);

failed:
    /* The process is about to end; the loop's descriptors go with it. */
    free(worker);
    return NULL;
}

static void send_message(struct worker *worker, SSL_CTX *tls)
{
    struct message *message = h2o_mem_alloc(sizeof(*message));

    memset(message, 0, sizeof(*message));
    if ((message->tls = tls) != NULL)
        SSL_CTX_up_ref(tls);
    h2o_multithread_send_message(&worker->receiver, &message->super);
}

void worker_set_tls(struct worker *worker, SSL_CTX *tls)
{
    send_message(worker, tls);
}

void worker_drain(struct worker *worker)
{
    send_message(worker, NULL);
}

size_t worker_join(struct worker *worker)
{
    size_t given_up;

    pthread_join(worker->thread, NULL);
    given_up = worker->given_up;
    free(worker);
    return given_up;
}
