#include "database/database.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "database/connector.h"
#include "database/queue.h"
#include "database/reply.h"
#include "database/sqlstate.h"

/* How often a call that lost a race is tried in all. */
#define MAX_TRIES 3

/* Where somebody has waited for a lock for as long as anybody may, others will wait for it too, and hold up
 * their sets and what is queued behind: for so long nobody waits as long as that. */
#define HASTY_MS 2000
#define LOCK_NOT_AVAILABLE "55P03"

/* A token as JSON, with its end. */
#define TOKEN_TEXT_SIZE (TOKEN_ID_MAX + TOKEN_HASH_LEN + 4)

/* A connection of no use, while another may do: to a server that has become a standby; one that has lost what
 * was prepared on it, or prepared it before functions were replaced. */
static const char *const stale_sqlstates[] = {"25006", "26000", "0A000"};

/* A race that was lost: what the statement had read was changed by another transaction before it could write.
 * Class 40; a row that it refers to has gone or has another key; a row of the same key has come. */
static const char *const race_sqlstates[] = {"40", "23503", "23505"};

struct database_connection {
    struct database *database;
    /* NULL while the connector makes a new one. */
    PGconn *pg;
    /* Watches a duplicate of libpq's file descriptor, so that each side closes its own. */
    h2o_socket_t *socket;
    /* The calls of the set under way, in order. */
    struct database_call *calls[CONFIG_SET_SIZE_MAX];
    size_t count;
    /* clock_now_us() of when the set was sent, and of when it is given up. */
    uint64_t sent_at, deadline;
    /* What the set has brought so far: it counts once the transaction has ended, not before. */
    PGresult *result;
    /* The database has said, before anything else, that it has not done the set. */
    bool is_undone;
    /* The database has said that it waits no longer for a standby to have what is committed. */
    bool is_unconfirmed;
};

struct database {
    const struct config *config;
    h2o_context_t *context;
    struct metrics *metrics;
    struct connector *connector;
    struct queue queue;
    /* The last attempt to connect failed. */
    bool is_away;
    struct log_repeat failure;
    /* clock_now_us() until which sets wait hardly at all for a lock. */
    uint64_t hasty_until;
    size_t connected;
    size_t count;
    struct database_connection connections[];
};

static void show_connections(struct database *database)
{
    size_t busy = 0;

    for (size_t i = 0; i < database->count; i++)
        busy += database->connections[i].count > 0;
    metrics_set(database->metrics, METRICS_DATABASE_BUSY, busy);
    metrics_set(database->metrics, METRICS_DATABASE_IDLE, database->connected - busy);
    metrics_set(database->metrics, METRICS_DATABASE_CONNECTING, database->count - database->connected);
}

/* Answers all that waits, which nobody comes to serve. */
static void fail_queue(struct database *database)
{
    struct database_call *call;

    while ((call = queue_take(&database->queue)) != NULL) {
        metrics_add(database->metrics, METRICS_REFUSED_AWAY, 1);
        reply_status(call, 503, NULL);
    }
}

static void expire_queue(struct database *database, uint64_t now)
{
    struct database_call *call;

    while ((call = queue_take_expired(&database->queue, now)) != NULL)
        reply_status(call, 503, NULL);
}

static void close_connection(struct database_connection *connection)
{
    PQclear(connection->result);
    connection->result = NULL;
    h2o_socket_close(connection->socket);
    connection->socket = NULL;
    PQfinish(connection->pg);
    connection->pg = NULL;
    connection->database->connected--;
}

/* Answers all calls of the set under way, which is then over. */
static void fail_set(struct database_connection *connection, int status)
{
    size_t count = connection->count;

    connection->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (connection->is_undone || connection->calls[i]->step == STATEMENT_CHECK_TOKENS)
            reply_status(connection->calls[i], status, NULL);
        else
            reply_unknown(connection->calls[i], status);
    }
}

/* The set has come to its end, or to ours. Returns the microseconds that it took. */
static uint64_t charge_set(struct database_connection *connection)
{
    uint64_t now = clock_now_us(), us = now - connection->sent_at;

    queue_charge(&connection->database->queue, connection->calls, connection->count, us);
    connection->sent_at = now;
    return us;
}

/* Gives up a connection. Its set is tried again if the database has said that it was not done. */
static void drop_connection(struct database_connection *connection, int status, const char *reason)
{
    struct database *database = connection->database;
    size_t count = connection->count;

    log_event("database_connection_lost", json_pack("{s:s, s:i}", "reason", reason, "requests", (int)count));
    close_connection(connection);
    metrics_add(database->metrics, METRICS_DATABASE_LOST, 1);
    if (count > 0)
        charge_set(connection);
    if (count > 0 && connection->is_undone && connection->calls[0]->tries < MAX_TRIES) {
        connection->count = 0;
        queue_put_back(&database->queue, connection->calls, count);
    } else {
        fail_set(connection, status);
    }
    show_connections(database);
    connector_request(database->connector);
}

static void reply_set(struct database_connection *connection, const PGresult *result)
{
    size_t count = connection->count;

    connection->count = 0;
    reply_rows(connection->calls, count, result);
}

/* Whether it is one of them, or of one of their classes. */
static bool is_among(const char *sqlstate, const char *const *sqlstates, size_t count)
{
    for (size_t i = 0; sqlstate != NULL && i < count; i++) {
        if (strncmp(sqlstate, sqlstates[i], strlen(sqlstates[i])) == 0)
            return true;
    }
    return false;
}
#define IS_AMONG(sqlstate, sqlstates) is_among(sqlstate, sqlstates, COUNT(sqlstates))

/* The set was undone as a whole: its calls are tried one by one, so that only the one at fault fails; one
 * that lost a race to others is tried again. */
static void reply_error(struct database_connection *connection, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    bool lost_race = IS_AMONG(sqlstate, race_sqlstates);
    size_t count = connection->count;

    /* The message itself may quote what a client sent. */
    log_event("database_error", json_pack("{s:s?, s:s?, s:s?, s:i}", "sqlstate", sqlstate, "function",
                                    function, "constraint", constraint, "requests", (int)count));
    metrics_count_error(connection->database->metrics, sqlstate);
    if (IS_AMONG(sqlstate, stale_sqlstates)) {
        drop_connection(connection, sqlstate_status(sqlstate), "it is of no use any more");
        return;
    }
    connection->count = 0;
    if (sqlstate != NULL && strcmp(sqlstate, LOCK_NOT_AVAILABLE) == 0)
        connection->database->hasty_until = clock_now_us() + HASTY_MS * 1000UL;
    if (count > 1 || (lost_race && connection->calls[0]->tries < MAX_TRIES))
        queue_put_back(&connection->database->queue, connection->calls, count);
    else
        reply_status(connection->calls[0], sqlstate_status(sqlstate), sqlstate);
}

static void finish_set(struct database_connection *connection)
{
    PGresult *result = connection->result;

    /* Every error of the database has an SQLSTATE. Without one libpq has lost the answer, for want of memory,
     * and whether the set was done is unknown. */
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL) {
        drop_connection(connection, 503, "the answer cannot be read");
        return;
    }
    connection->result = NULL;
    metrics_observe_call(connection->database->metrics, connection->calls[0]->step, charge_set(connection));
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQnfields(result) == STATEMENT_COLUMNS)
        reply_set(connection, result);
    else
        reply_error(connection, result);
    PQclear(result);
    show_connections(connection->database);
}

/* An error that came before any row was raised within the statement, and nothing of it was committed; unless
 * a pooler says so (class 08), who knows no more of a lost server than we would. */
static void note_result(struct database_connection *connection, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (connection->result == NULL)
        connection->is_undone = sqlstate != NULL && strncmp(sqlstate, "08", 2) != 0;
}

/* A commit that was made to wait no longer for its standby is reported as one, after a warning; it would be
 * gone if that standby took over. */
static void on_notice(void *data, const PGresult *result)
{
    struct database_connection *connection = data;
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

    if (function != NULL && strcmp(function, "SyncRepWaitForLSN") == 0)
        connection->is_unconfirmed = true;
}

/* Takes what has arrived. libpq says that a statement is over, with a NULL, once the server has ended its
 * transaction: a commit that fails brings a second result, an error, after the rows. */
static void read_results(struct database_connection *connection)
{
    while (!PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);

        if (result != NULL) {
            note_result(connection, result);
            PQclear(connection->result);
            connection->result = result;
            continue;
        }
        if (PQstatus(connection->pg) == CONNECTION_BAD)
            drop_connection(connection, 503, "the server closed the connection");
        else if (connection->is_unconfirmed)
            drop_connection(connection, 503, "no standby confirmed the commit");
        else if (connection->count > 0)
            finish_set(connection);
        return;
    }
}

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct database_connection *connection = socket->data;

    if (error != NULL || PQconsumeInput(connection->pg) != 1 ||
        (connection->count == 0 && PQstatus(connection->pg) == CONNECTION_BAD))
        drop_connection(connection, 503, "the server closed the connection");
    else
        read_results(connection);
}

static void flush(struct database_connection *connection);

static void on_writable(h2o_socket_t *socket, const char *error)
{
    struct database_connection *connection = socket->data;

    if (error != NULL)
        drop_connection(connection, 503, "the connection cannot be written");
    else
        flush(connection);
}

static void flush(struct database_connection *connection)
{
    switch (PQflush(connection->pg)) {
    case 0:
        /* To make room to write, libpq may have read what the loop now hears nothing of. */
        read_results(connection);
        break;
    case 1:
        h2o_socket_notify_write(connection->socket, on_writable);
        break;
    default:
        drop_connection(connection, 503, "the connection cannot be written");
    }
}

/* What the statement takes for a call. token: room for one. */
static h2o_iovec_t element_of(const struct database_call *call, char token[TOKEN_TEXT_SIZE])
{
    if (call->step != STATEMENT_CHECK_TOKENS)
        return call->request;
    snprintf(token, TOKEN_TEXT_SIZE, "\"%s:%s\"", call->token->id, call->token->secret_sha256);
    return h2o_iovec_init(token, strlen(token));
}

/* Joins the requests of the set to one JSON array, which the caller frees; NULL when memory ran out. */
static char *join_requests(const struct database_connection *connection)
{
    char token[TOKEN_TEXT_SIZE], *text, *at;
    size_t len = 2;

    for (size_t i = 0; i < connection->count; i++)
        len += element_of(connection->calls[i], token).len + 1;
    if ((at = text = malloc(len + 1)) == NULL)
        return NULL;
    *at++ = '[';
    for (size_t i = 0; i < connection->count; i++) {
        h2o_iovec_t element = element_of(connection->calls[i], token);

        if (i > 0)
            *at++ = ',';
        memcpy(at, element.base, element.len);
        at += element.len;
    }
    memcpy(at, "]", 2);
    return text;
}

static void send_set(struct database_connection *connection)
{
    const struct config *config = connection->database->config;
    const struct statement_text *statement = &statements[connection->calls[0]->step];
    char *requests = join_requests(connection);
    const char *const parameters[] = {requests};
    const uint64_t now = clock_now_us();
    bool is_hasty = now < connection->database->hasty_until;
    int sent;

    if (requests == NULL) {
        connection->is_undone = true;
        fail_set(connection, 503);
        return;
    }
    connection->sent_at = now;
    connection->deadline = now + (uint64_t)config->database_timeout * 1000;
    if (connection->calls[0]->step != STATEMENT_CHECK_TOKENS)
        metrics_observe(connection->database->metrics, METRICS_SET_SIZE, connection->count);
    for (size_t i = 0; i < connection->count; i++) {
        connection->calls[i]->tries++;
        if (connection->calls[i]->step == STATEMENT_CHECK_TOKENS)
            continue;
        metrics_observe(
            connection->database->metrics, METRICS_QUEUE_WAIT, now - connection->calls[i]->waits_since);
    }
    connection->is_undone = false;
    sent = config->prepared_statements && !is_hasty
               ? PQsendQueryPrepared(connection->pg, statement->name, 1, parameters, NULL, NULL, 0)
               : PQsendQueryParams(connection->pg, is_hasty ? statement->hasty_sql : statement->sql, 1, NULL,
                     parameters, NULL, NULL, 0);
    free(requests);
    if (!sent) {
        drop_connection(connection, 503, "the statement cannot be sent");
        return;
    }
    flush(connection);
}

static void dispatch(struct database *database)
{
    size_t idle = 0;

    for (size_t i = 0; i < database->count; i++)
        idle += database->connections[i].pg != NULL && database->connections[i].count == 0;
    for (size_t i = 0; i < database->count; i++) {
        struct database_connection *connection = &database->connections[i];

        /* A call that fails at once leaves the connection to the next. */
        while (connection->pg != NULL && connection->count == 0) {
            connection->count = queue_take_set(
                &database->queue, idle == 1 && database->connected > 1, clock_now_us(), connection->calls);
            if (connection->count == 0)
                return;
            send_set(connection);
            idle -= connection->count > 0 || connection->pg == NULL;
            show_connections(database);
        }
    }
}

static void give_up_late(struct database *database)
{
    uint64_t now = clock_now_us();

    expire_queue(database, now);
    for (size_t i = 0; i < database->count; i++) {
        struct database_connection *connection = &database->connections[i];

        /* Closing the connection gives up a statement without a wait, and the role's
         * client_connection_check_interval ends it in the database. Not PQcancel: a commit that waits for its
         * standby would, cancelled, be reported as done. */
        if (connection->count > 0 && now >= connection->deadline)
            drop_connection(connection, 504, "the statement took too long");
    }
}

void database_run(struct database *database)
{
    give_up_late(database);
    dispatch(database);
}

static void adopt(struct database_connection *connection, PGconn *pg)
{
    struct database *database = connection->database;
    int fd = dup(PQsocket(pg));

    if (fd < 0) {
        log_event("database_connection_lost",
            json_pack("{s:s, s:i}", "reason", "no file descriptor is free", "requests", 0));
        PQfinish(pg);
        connector_request(database->connector);
        return;
    }
    connection->pg = pg;
    connection->is_undone = false;
    connection->is_unconfirmed = false;
    PQsetNoticeReceiver(pg, on_notice, connection);
    connection->socket = h2o_evloop_socket_create(database->context->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    connection->socket->data = connection;
    h2o_socket_read_start(connection->socket, on_readable);
    database->connected++;
    show_connections(database);
}

static void on_connector_result(void *data, PGconn *pg, const char *error, bool is_unfit)
{
    struct database *database = data;

    if (database->is_away && pg != NULL) {
        log_event("database_connected", NULL);
        database->failure = (struct log_repeat){0};
    }
    database->is_away = pg == NULL;
    metrics_add(database->metrics, METRICS_DATABASE_ATTEMPTS, 1);
    metrics_set(database->metrics, METRICS_SCHEMA_UNFIT, is_unfit);
    if (pg == NULL) {
        metrics_add(database->metrics, METRICS_DATABASE_FAILURES, 1);
        if (log_is_news(&database->failure, error))
            log_event("database_connect_failed", json_pack("{s:s}", "reason", error));
        if (database->connected == 0)
            fail_queue(database);
        return;
    }
    for (size_t i = 0; i < database->count; i++) {
        if (database->connections[i].pg == NULL) {
            adopt(&database->connections[i], pg);
            return;
        }
    }
}

struct database *database_create(h2o_context_t *context, const struct config *config, struct metrics *metrics)
{
    size_t count = (size_t)config->database_connections;
    struct database *database = h2o_mem_alloc(sizeof(*database) + count * sizeof(struct database_connection));

    memset(database, 0, sizeof(*database) + count * sizeof(struct database_connection));
    database->config = config;
    database->context = context;
    database->metrics = metrics;
    database->count = count;
    if (!queue_init(&database->queue, config, metrics)) {
        free(database);
        return NULL;
    }
    database->connector = connector_start(context->queue, config, on_connector_result, database);
    if (database->connector == NULL) {
        queue_dispose(&database->queue);
        free(database);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        database->connections[i].database = database;
        connector_request(database->connector);
    }
    show_connections(database);
    return database;
}

void database_destroy(struct database *database)
{
    connector_stop(database->connector);
    fail_queue(database);
    for (size_t i = 0; i < database->count; i++) {
        struct database_connection *connection = &database->connections[i];

        fail_set(connection, 503);
        if (connection->pg != NULL)
            close_connection(connection);
    }
    queue_dispose(&database->queue);
    free(database);
}

/* One that was only asked whether its token is good goes on, if it is. */
static void on_reply(struct database_call *call, const struct database_reply *reply)
{
    struct queue *queue = &call->database->queue;
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
    if (database->is_away && database->connected == 0) {
        metrics_add(database->metrics, METRICS_REFUSED_AWAY, 1);
        return false;
    }
    call->tries = 0;
    if (!queue_add(&database->queue, call))
        return false;
    call->database = database;
    call->on_end = call->on_reply;
    call->on_reply = on_reply;
    return true;
}
