#include "connector.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "statement.h"

/* The version of api.schema_version() that this server was written for. */
#define SCHEMA_VERSION 3

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

struct connector {
    const struct config *config;
    connector_on_result on_result;
    void *data;
    h2o_multithread_receiver_t receiver;
    pthread_t thread;
    unsigned seed;

    /* Shared by the two threads, under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned wanted;
    bool stopping;
};

struct result {
    h2o_multithread_message_t super;
    PGconn *pg;
    bool is_unfit;
    char error[CONNECTOR_ERROR_MAX];
};

/* libpq's messages end in a newline and may have several lines: the first says it. */
static void copy_first_line(char error[CONNECTOR_ERROR_MAX], const char *message)
{
    snprintf(error, CONNECTOR_ERROR_MAX, "%.*s", (int)strcspn(message, "\n"), message);
}

/* *is_unfit is left false where the schema could not be asked about. */
static bool check_schema(PGconn *pg, char error[CONNECTOR_ERROR_MAX], bool *is_unfit)
{
    PGresult *result = PQexec(pg, "select version, oldest_server from api.schema_version()");
    bool fits = false;

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        /* 3F000, 42883: the schema or the function is not there. */
        *is_unfit = sqlstate != NULL && (strcmp(sqlstate, "3F000") == 0 || strcmp(sqlstate, "42883") == 0);
        if (*is_unfit)
            snprintf(error, CONNECTOR_ERROR_MAX,
                "the schema is too old: it has no api.schema_version(), and this server needs version %d; "
                "run the migrations",
                SCHEMA_VERSION);
        else
            copy_first_line(error, PQerrorMessage(pg));
    } else {
        int version = atoi(PQgetvalue(result, 0, 0)), oldest_server = atoi(PQgetvalue(result, 0, 1));

        if (version < SCHEMA_VERSION)
            snprintf(error, CONNECTOR_ERROR_MAX,
                "the schema is too old: it is version %d, and this server needs version %d; run the "
                "migrations",
                version, SCHEMA_VERSION);
        else if (oldest_server > SCHEMA_VERSION)
            snprintf(error, CONNECTOR_ERROR_MAX,
                "the schema is too new: it is version %d, and serves this server no more, which is for "
                "version %d",
                version, SCHEMA_VERSION);
        else
            fits = true;
        *is_unfit = !fits;
    }
    PQclear(result);
    return fits;
}

static bool prepare_statements(PGconn *pg, char error[CONNECTOR_ERROR_MAX])
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        PGresult *result = PQprepare(pg, statements[i].name, statements[i].sql, 1, NULL);
        bool prepared = PQresultStatus(result) == PGRES_COMMAND_OK;

        PQclear(result);
        if (!prepared) {
            copy_first_line(error, PQerrorMessage(pg));
            return false;
        }
    }
    return true;
}

static void ignore_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

PGconn *connector_connect(const struct config *config, char error[CONNECTOR_ERROR_MAX], bool *is_unfit)
{
    char timeout[16];
    const char *const keywords[] = {
        "dbname", "connect_timeout", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {config->database_url, timeout, "UTF8", "accountsd", NULL};
    PGconn *pg;

    *is_unfit = false;
    snprintf(timeout, sizeof(timeout), "%ld", config->database_connect_timeout);
    pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(pg) != CONNECTION_OK) {
        char reason[CONNECTOR_ERROR_MAX];

        copy_first_line(reason, PQerrorMessage(pg));
        snprintf(error, CONNECTOR_ERROR_MAX, "cannot reach the database: %.200s", reason);
        goto failed;
    }
    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    if (!check_schema(pg, error, is_unfit) || (config->prepared_statements && !prepare_statements(pg, error)))
        goto failed;
    if (PQsetnonblocking(pg, 1) != 0) {
        copy_first_line(error, PQerrorMessage(pg));
        goto failed;
    }
    return pg;

failed:
    PQfinish(pg);
    return NULL;
}

/* On the loop's thread. */
static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct connector *connector = H2O_STRUCT_FROM_MEMBER(struct connector, receiver, receiver);

    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        struct result *result = H2O_STRUCT_FROM_MEMBER(struct result, super.link, link);

        next = link->next;
        h2o_linklist_unlink(link);
        connector->on_result(connector->data, result->pg, result->error, result->is_unfit);
        free(result);
    }
}

/* Sleeps, with the mutex held, for about ms milliseconds or until the connector is stopped. */
static void back_off(struct connector *connector, long ms)
{
    struct timespec until;
    long jittered = ms / 2 + rand_r(&connector->seed) % ms;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += jittered / 1000;
    until.tv_nsec += jittered % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!connector->stopping &&
           pthread_cond_timedwait(&connector->changed, &connector->mutex, &until) != ETIMEDOUT)
        ;
}

static void *run(void *data)
{
    struct connector *connector = data;
    long backoff = BACKOFF_MIN_MS;

    pthread_mutex_lock(&connector->mutex);
    while (!connector->stopping) {
        if (connector->wanted == 0) {
            pthread_cond_wait(&connector->changed, &connector->mutex);
            continue;
        }
        pthread_mutex_unlock(&connector->mutex);

        struct result *result = h2o_mem_alloc(sizeof(*result));
        bool connected;

        memset(result, 0, sizeof(*result));
        result->pg = connector_connect(connector->config, result->error, &result->is_unfit);
        connected = result->pg != NULL;
        h2o_multithread_send_message(&connector->receiver, &result->super);

        pthread_mutex_lock(&connector->mutex);
        if (connected) {
            connector->wanted--;
            backoff = BACKOFF_MIN_MS;
        } else {
            back_off(connector, backoff);
            backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
        }
    }
    pthread_mutex_unlock(&connector->mutex);
    return NULL;
}

struct connector *connector_start(
    h2o_multithread_queue_t *queue, const struct config *config, connector_on_result on_result, void *data)
{
    struct connector *connector = h2o_mem_alloc(sizeof(*connector));
    pthread_condattr_t monotonic;

    memset(connector, 0, sizeof(*connector));
    connector->config = config;
    connector->on_result = on_result;
    connector->data = data;
    connector->seed = (unsigned)time(NULL) ^ (unsigned)(uintptr_t)connector;
    pthread_mutex_init(&connector->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&connector->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    h2o_multithread_register_receiver(queue, &connector->receiver, on_message);
    if (pthread_create(&connector->thread, NULL, run, connector) != 0) {
        h2o_multithread_unregister_receiver(queue, &connector->receiver);
        pthread_cond_destroy(&connector->changed);
        pthread_mutex_destroy(&connector->mutex);
        free(connector);
        return NULL;
    }
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

static void discard_result(void *data, PGconn *pg, const char *error, bool is_unfit)
{
    (void)data;
    (void)error;
    (void)is_unfit;
    PQfinish(pg);
}

void connector_stop(struct connector *connector)
{
    pthread_mutex_lock(&connector->mutex);
    connector->stopping = true;
    pthread_cond_signal(&connector->changed);
    pthread_mutex_unlock(&connector->mutex);
    pthread_join(connector->thread, NULL);

    /* What was sent and not yet received. */
    connector->on_result = discard_result;
    on_message(&connector->receiver, &connector->receiver._messages);
    h2o_multithread_unregister_receiver(connector->receiver.queue, &connector->receiver);
    pthread_cond_destroy(&connector->changed);
    pthread_mutex_destroy(&connector->mutex);
    free(connector);
}
