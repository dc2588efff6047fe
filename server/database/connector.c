#include "database/connector.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/memory.h"
#include "database/backoff.h"
#include "database/postgres.h"
#include "database/session.h"

#define RETRY_MIN_MS 100

struct connector {
    const struct config *config;
    connector_on_result on_result;
    void *data;
    h2o_multithread_receiver_t receiver;
    pthread_t thread;
    /* An eventfd, readable when the connector must stop. */
    int stop_fd;
    unsigned seed;
    struct backoff backoff;

    /* Protects what follows. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned wanted;
    bool stopping;
};

struct result {
    h2o_multithread_message_t super;
    PGconn *pg;
    bool is_schema_unsupported;
    char error[POSTGRES_ERROR_MAX];
};

/* On the loop's thread. */
static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct connector *connector = H2O_STRUCT_FROM_MEMBER(struct connector, receiver, receiver);

    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        struct result *result = H2O_STRUCT_FROM_MEMBER(struct result, super.link, link);

        next = link->next;
        h2o_linklist_unlink(link);
        connector->on_result(connector->data, result->pg, result->error, result->is_schema_unsupported);
        free(result);
    }
}

/* Waits before the next attempt, or until the connector is stopped. The mutex must be held. */
static void await_retry(struct connector *connector)
{
    struct timespec until;

    backoff_extend(
        &connector->backoff, &connector->seed, RETRY_MIN_MS, connector->config->database_retry_interval);
    until = clock_timespec(connector->backoff.until);
    while (!connector->stopping && pthread_cond_clockwait(&connector->changed, &connector->mutex,
                                       CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        ;
}

static void *run(void *data)
{
    struct connector *connector = data;

    pthread_mutex_lock(&connector->mutex);
    while (!connector->stopping) {
        if (connector->wanted == 0) {
            pthread_cond_wait(&connector->changed, &connector->mutex);
            continue;
        }
        pthread_mutex_unlock(&connector->mutex);

        struct result *result = calloc(1, sizeof(*result));

        if (result != NULL)
            result->pg = session_open_prepared(
                connector->config, connector->stop_fd, result->error, &result->is_schema_unsupported);

        pthread_mutex_lock(&connector->mutex);
        if (result != NULL && connector->stopping) {
            /* The loop may be gone. */
            PQfinish(result->pg);
            free(result);
        } else if (result != NULL && result->pg != NULL) {
            connector->wanted--;
            connector->backoff = (struct backoff){0};
            h2o_multithread_send_message(&connector->receiver, &result->super);
        } else {
            if (result != NULL)
                h2o_multithread_send_message(&connector->receiver, &result->super);
            await_retry(connector);
        }
    }
    pthread_mutex_unlock(&connector->mutex);
    return NULL;
}

struct connector *connector_start(
    h2o_multithread_queue_t *queue, const struct config *config, connector_on_result on_result, void *data)
{
    struct connector *connector = memory_require(calloc(1, sizeof(*connector)));

    connector->config = config;
    connector->on_result = on_result;
    connector->data = data;
    if ((connector->stop_fd = eventfd(0, EFD_CLOEXEC)) < 0)
        die("cannot start: descriptors ran out");
    connector->seed = (unsigned)time(NULL) ^ (unsigned)(uintptr_t)connector;
    pthread_mutex_init(&connector->mutex, NULL);
    pthread_cond_init(&connector->changed, NULL);
    h2o_multithread_register_receiver(queue, &connector->receiver, on_message);
    if (pthread_create(&connector->thread, NULL, run, connector) != 0)
        die("cannot start a thread");
    pthread_setname_np(connector->thread, "connector");
    return connector;
}

void connector_request(struct connector *connector)
{
    pthread_mutex_lock(&connector->mutex);
    connector->wanted++;
    pthread_cond_signal(&connector->changed);
    pthread_mutex_unlock(&connector->mutex);
}

static void discard_result(void *data, PGconn *pg, const char *error, bool is_schema_unsupported)
{
    (void)data;
    (void)error;
    (void)is_schema_unsupported;
    PQfinish(pg);
}

void connector_stop(struct connector *connector)
{
    pthread_mutex_lock(&connector->mutex);
    connector->stopping = true;
    pthread_cond_signal(&connector->changed);
    pthread_mutex_unlock(&connector->mutex);
    eventfd_write(connector->stop_fd, 1);
    pthread_join(connector->thread, NULL);

    /* Results that were sent and not yet received. */
    connector->on_result = discard_result;
    on_message(&connector->receiver, &connector->receiver._messages);
    h2o_multithread_unregister_receiver(connector->receiver.queue, &connector->receiver);
    close(connector->stop_fd);
    pthread_cond_destroy(&connector->changed);
    pthread_mutex_destroy(&connector->mutex);
    free(connector);
}
