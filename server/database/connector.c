#include "database/connector.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/one_line.h"
#include "database/postgres.h"
#include "database/statement.h"

/* The version of api.schema_version() that this server was written for. */
#define SCHEMA_VERSION 4

#define RETRY_MIN_MS 100

struct connector {
    const struct config *config;
    connector_on_result on_result;
    void *data;
    h2o_multithread_receiver_t receiver;
    pthread_t thread;
    /* An eventfd, readable once the connector is to stop. */
    int stop_fd;
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

/* In a stricter isolation level, whoever has made it the default, requests that meet fail where they would
 * have waited. Only then is it set, because some poolers keep a connection for a session with settings of its
 * own. */
static const char schema_query[] =
    "select version, oldest_server,"
    " case when current_setting('default_transaction_isolation') <> 'read committed'"
    " then set_config('default_transaction_isolation', 'read committed', false) end"
    " from api.schema_version()";

/* *is_unfit is left false where the schema could not be asked about. */
static bool check_schema(
    PGconn *pg, const struct postgres_limit *limit, char error[CONNECTOR_ERROR_MAX], bool *is_unfit)
{
    PGresult *result;
    bool fits = false;

    if (!PQsendQuery(pg, schema_query)) {
        postgres_copy_error(error, PQerrorMessage(pg));
        return false;
    }
    if ((result = postgres_result(pg, limit, error)) == NULL)
        return false;
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
            postgres_copy_error(error, PQresultErrorMessage(result));
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

static bool prepare_statements(
    PGconn *pg, const struct postgres_limit *limit, char error[CONNECTOR_ERROR_MAX])
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        PGresult *result;
        bool prepared;

        if (!PQsendPrepare(pg, statements[i].name, statements[i].sql, 1, NULL)) {
            postgres_copy_error(error, PQerrorMessage(pg));
            return false;
        }
        if ((result = postgres_result(pg, limit, error)) == NULL)
            return false;
        prepared = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!prepared)
            postgres_copy_error(error, PQresultErrorMessage(result));
        PQclear(result);
        if (!prepared)
            return false;
    }
    return true;
}

PGconn *connector_open(const struct config *config, const struct postgres_limit *limit,
    char error[CONNECTOR_ERROR_MAX], bool *is_unfit)
{
    char reason[CONNECTOR_ERROR_MAX];
    PGconn *pg = postgres_connect(config->database_url, limit, reason);

    *is_unfit = false;
    if (pg == NULL) {
        one_line_print(error, CONNECTOR_ERROR_MAX, "cannot reach the database: %s", reason);
        return NULL;
    }
    if (check_schema(pg, limit, error, is_unfit))
        return pg;
    PQfinish(pg);
    return NULL;
}

/* Of the first connection of the process. A statement that Postgres does not end before we give it up goes on
 * without us, with all its locks. */
static bool warn_of_timeouts(PGconn *pg, const struct config *config, const struct postgres_limit *limit,
    char error[CONNECTOR_ERROR_MAX])
{
    static atomic_bool has_looked;
    PGresult *result;

    if (atomic_load(&has_looked))
        return true;
    if (!PQsendQuery(pg,
            "select name, setting from pg_settings where name in ('lock_timeout', 'statement_timeout')")) {
        postgres_copy_error(error, PQerrorMessage(pg));
        return false;
    }
    if ((result = postgres_result(pg, limit, error)) == NULL)
        return false;
    /* Another may have come first. */
    if (atomic_exchange(&has_looked, true)) {
        PQclear(result);
        return true;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        long ms = atol(PQgetvalue(result, row, 1));

        if (ms == 0 || ms >= config->database_timeout)
            log_event("database_timeout_not_below_ours",
                json_pack("{s:s, s:I, s:I}", "setting", PQgetvalue(result, row, 0), "ms", (json_int_t)ms,
                    "database_timeout_ms", (json_int_t)config->database_timeout));
    }
    PQclear(result);
    return true;
}

PGconn *connector_connect(
    const struct config *config, int stop_fd, char error[CONNECTOR_ERROR_MAX], bool *is_unfit)
{
    const struct postgres_limit limit = {
        .deadline_ms = clock_now_ms() + config->database_connect_timeout * 1000, .stop_fd = stop_fd};
    PGconn *pg = connector_open(config, &limit, error, is_unfit);

    if (pg == NULL || ((!config->prepared_statements || prepare_statements(pg, &limit, error)) &&
                          warn_of_timeouts(pg, config, &limit, error)))
        return pg;
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

/* Sleeps, with the mutex held, for half of max_ms to all of it, or until the connector is stopped. The others
 * that lost the same database at the same moment sleep for other times. */
static void back_off(struct connector *connector, long max_ms)
{
    struct timespec until;
    long ms = max_ms / 2 + rand_r(&connector->seed) % (max_ms - max_ms / 2 + 1);

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
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
    const long max_retry = connector->config->database_retry_interval;
    long retry = RETRY_MIN_MS;

    pthread_mutex_lock(&connector->mutex);
    while (!connector->stopping) {
        if (connector->wanted == 0) {
            pthread_cond_wait(&connector->changed, &connector->mutex);
            continue;
        }
        pthread_mutex_unlock(&connector->mutex);

        struct result *result = calloc(1, sizeof(*result));

        if (result != NULL)
            result->pg =
                connector_connect(connector->config, connector->stop_fd, result->error, &result->is_unfit);

        pthread_mutex_lock(&connector->mutex);
        if (result != NULL && connector->stopping) {
            /* The loop may be gone. */
            PQfinish(result->pg);
            free(result);
        } else if (result != NULL && result->pg != NULL) {
            connector->wanted--;
            retry = RETRY_MIN_MS;
            h2o_multithread_send_message(&connector->receiver, &result->super);
        } else {
            if (result != NULL)
                h2o_multithread_send_message(&connector->receiver, &result->super);
            back_off(connector, retry);
            retry = retry * 2 < max_retry ? retry * 2 : max_retry;
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
    if ((connector->stop_fd = eventfd(0, EFD_CLOEXEC)) < 0) {
        free(connector);
        return NULL;
    }
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
        close(connector->stop_fd);
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
    eventfd_write(connector->stop_fd, 1);
    pthread_join(connector->thread, NULL);

    /* What was sent and not yet received. */
    connector->on_result = discard_result;
    on_message(&connector->receiver, &connector->receiver._messages);
    h2o_multithread_unregister_receiver(connector->receiver.queue, &connector->receiver);
    close(connector->stop_fd);
    pthread_cond_destroy(&connector->changed);
    pthread_mutex_destroy(&connector->mutex);
    free(connector);
}
