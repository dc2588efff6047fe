#include "database/database.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "database/connector.h"
#include "database/database_connection.h"
#include "database/queue.h"
#include "database/reply.h"

struct database {
    struct database_shared shared;
    /* The last attempt to connect failed. */
    bool is_unavailable;
    struct log_repeat failure;
    size_t count;
    struct database_connection connections[];
};

struct connection_counts {
    size_t connected, busy;
};

static struct connection_counts count_connections(const struct database *database)
{
    struct connection_counts counts = {.connected = 0};

    for (size_t i = 0; i < database->count; i++) {
        counts.connected += database->connections[i].pg != NULL;
        counts.busy += database->connections[i].count > 0;
    }
    return counts;
}

static void update_connection_metrics(const struct database *database)
{
    struct metrics *metrics = database->shared.metrics;
    struct connection_counts counts = count_connections(database);

    metrics_set(metrics, METRICS_DATABASE_BUSY, counts.busy);
    metrics_set(metrics, METRICS_DATABASE_IDLE, counts.connected - counts.busy);
    metrics_set(metrics, METRICS_DATABASE_CONNECTING, database->count - counts.connected);
}

static bool is_unreachable(const struct database *database)
{
    return database->is_unavailable && count_connections(database).connected == 0;
}

static void fail_queue(struct database *database)
{
    struct database_call *call;

    while ((call = queue_take(&database->shared.queue)) != NULL) {
        metrics_add(database->shared.metrics, METRICS_REFUSED_UNAVAILABLE, 1);
        reply_status(call, 503, NULL);
    }
}

static void expire_queue(struct database *database, uint64_t now)
{
    struct database_call *call;

    while ((call = queue_take_expired(&database->shared.queue, now)) != NULL)
        reply_status(call, 503, NULL);
}

static void dispatch(struct database *database)
{
    struct connection_counts counts = count_connections(database);
    size_t idle = counts.connected - counts.busy;

    for (size_t i = 0; i < database->count; i++) {
        struct database_connection *connection = &database->connections[i];

        /* If sending fails at once, the connection is free for the next set. */
        while (connection->pg != NULL && connection->count == 0) {
            connection->count = queue_take_set(&database->shared.queue, idle == 1 && counts.connected > 1,
                clock_now_us(), connection->calls);
            if (connection->count == 0)
                return;
            database_connection_send(connection);
            idle -= connection->count > 0 || connection->pg == NULL;
        }
    }
}

static void fail_timed_out(struct database *database)
{
    uint64_t now = clock_now_us();

    expire_queue(database, now);
    for (size_t i = 0; i < database->count; i++) {
        struct database_connection *connection = &database->connections[i];

        /* Closing the connection does not block, and client_connection_check_interval of the role makes
         * PostgreSQL end the statement. PQcancel is not used: a commit that waits for a standby would be
         * reported as done when cancelled. */
        if (connection->count > 0 && now >= connection->deadline)
            database_connection_drop(connection, 504, "the statement took too long");
    }
}

void database_run(struct database *database)
{
    fail_timed_out(database);
    dispatch(database);
    update_connection_metrics(database);
}

static void on_connector_result(void *data, PGconn *pg, const char *error, bool is_schema_unsupported)
{
    struct database *database = data;
    struct metrics *metrics = database->shared.metrics;

    if (database->is_unavailable && pg != NULL) {
        log_event("database_connected", NULL);
        database->failure = (struct log_repeat){0};
    }
    database->is_unavailable = pg == NULL;
    metrics_add(metrics, METRICS_DATABASE_ATTEMPTS, 1);
    metrics_set(metrics, METRICS_SCHEMA_UNSUPPORTED, is_schema_unsupported);
    if (pg == NULL) {
        metrics_add(metrics, METRICS_DATABASE_FAILURES, 1);
        if (log_is_news(&database->failure, error))
            log_event("database_connect_failed", json_pack("{s:s}", "reason", error));
        if (is_unreachable(database))
            fail_queue(database);
        return;
    }
    for (size_t i = 0; i < database->count; i++) {
        if (database->connections[i].pg == NULL) {
            database_connection_adopt(&database->connections[i], pg);
            return;
        }
    }
}

struct database *database_create(h2o_context_t *context, const struct config *config, struct metrics *metrics)
{
    size_t count = (size_t)config->database_connections;
    struct database *database =
        memory_require(calloc(1, sizeof(*database) + count * sizeof(struct database_connection)));
    struct database_shared *shared = &database->shared;

    shared->config = config;
    shared->loop = context->loop;
    shared->metrics = metrics;
    database->count = count;
    queue_init(&shared->queue, config, metrics);
    shared->connector = connector_start(context->queue, config, on_connector_result, database);
    for (size_t i = 0; i < count; i++) {
        database->connections[i].shared = shared;
        connector_request(shared->connector);
    }
    update_connection_metrics(database);
    return database;
}

void database_destroy(struct database *database)
{
    connector_stop(database->shared.connector);
    fail_queue(database);
    for (size_t i = 0; i < database->count; i++)
        database_connection_close(&database->connections[i]);
    queue_dispose(&database->shared.queue);
    free(database);
}

/* A call that was sent only to check its token is queued again if the token is valid. */
static void on_reply(struct database_call *call, const struct database_reply *reply)
{
    struct queue *queue = &call->database->shared.queue;
    struct database_reply full = {.status = 503};

    if (call->step == STATEMENT_CHECK_TOKENS && reply->status == 200) {
        if (queue_admit(queue, call))
            return;
        reply = &full;
    }
    queue_settle(queue, call, reply->status);
    call->on_end(call, reply);
}

bool database_submit(struct database *database, struct database_call *call)
{
    if (is_unreachable(database)) {
        metrics_add(database->shared.metrics, METRICS_REFUSED_UNAVAILABLE, 1);
        return false;
    }
    call->tries = 0;
    if (!queue_add(&database->shared.queue, call))
        return false;
    call->database = database;
    call->on_end = call->on_reply;
    call->on_reply = on_reply;
    return true;
}
