#include "database/database_connection.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "database/reply.h"
#include "database/sqlstate.h"

/* The number of attempts for a call that loses a race. */
#define MAX_TRIES 3

/* After a lock timeout other statements are likely to wait for the same lock and delay the queue, so for this
 * long statements run with a short lock_timeout. */
#define SHORT_LOCK_TIMEOUT_MS 2000
#define LOCK_NOT_AVAILABLE "55P03"

/* A token as a JSON string, with a NUL. */
#define TOKEN_TEXT_SIZE (TOKEN_ID_MAX + TOKEN_HASH_LEN + 4)

/* This connection can no longer execute statements, but a new one may: the server has become a standby, or
 * its prepared statements are lost or were prepared before functions were replaced. */
static const char *const stale_sqlstates[] = {"25006", "26000", "0A000"};

/* A race was lost: another transaction changed what the statement had read before it could write. Class 40; a
 * referenced row is gone or has another key; a row of the same key was inserted. */
static const char *const race_sqlstates[] = {"40", "23503", "23505"};

static void disconnect(struct database_connection *connection)
{
    PQclear(connection->result);
    connection->result = NULL;
    h2o_socket_close(connection->socket);
    connection->socket = NULL;
    PQfinish(connection->pg);
    connection->pg = NULL;
}

/* Answers the calls of the set, which is then over. */
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

/* Charges the time of a set that has ended or timed out, and returns it in microseconds. */
static uint64_t charge_set(struct database_connection *connection)
{
    uint64_t now = clock_now_us(), us = now - connection->sent_at;

    queue_charge(&connection->shared->queue, connection->calls, connection->count, us);
    connection->sent_at = now;
    return us;
}

void database_connection_drop(struct database_connection *connection, int status, const char *reason)
{
    struct database_shared *shared = connection->shared;
    size_t count = connection->count;

    log_event("database_connection_lost", json_pack("{s:s, s:i}", "reason", reason, "requests", (int)count));
    disconnect(connection);
    metrics_add(shared->metrics, METRICS_DATABASE_LOST, 1);
    if (count > 0)
        charge_set(connection);
    if (count > 0 && connection->is_undone && connection->calls[0]->tries < MAX_TRIES) {
        connection->count = 0;
        queue_put_back(&shared->queue, connection->calls, count);
    } else {
        fail_set(connection, status);
    }
    connector_request(shared->connector);
}

static void reply_set(struct database_connection *connection, const PGresult *result)
{
    size_t count = connection->count;

    connection->count = 0;
    reply_rows(connection->calls, count, result);
}

/* Whether sqlstate is in the list, or its class is. */
static bool is_among(const char *sqlstate, const char *const *sqlstates, size_t count)
{
    for (size_t i = 0; sqlstate != NULL && i < count; i++) {
        if (strncmp(sqlstate, sqlstates[i], strlen(sqlstates[i])) == 0)
            return true;
    }
    return false;
}
#define IS_AMONG(sqlstate, sqlstates) is_among(sqlstate, sqlstates, COUNT(sqlstates))

/* The set was rolled back as a whole: its calls are tried one by one, so that only the one at fault fails. A
 * single call that lost a race is tried again. */
static void reply_error(struct database_connection *connection, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    bool lost_race = IS_AMONG(sqlstate, race_sqlstates);
    size_t count = connection->count;

    /* The message may quote what a client sent: it is not logged. */
    log_event("database_error", json_pack("{s:s?, s:s?, s:s?, s:i}", "sqlstate", sqlstate, "function",
                                    function, "constraint", constraint, "requests", (int)count));
    metrics_count_error(connection->shared->metrics, sqlstate);
    if (IS_AMONG(sqlstate, stale_sqlstates)) {
        database_connection_drop(
            connection, sqlstate_status(sqlstate), "it can no longer execute statements");
        return;
    }
    connection->count = 0;
    if (sqlstate != NULL && strcmp(sqlstate, LOCK_NOT_AVAILABLE) == 0)
        connection->shared->short_lock_timeout_until = clock_now_us() + SHORT_LOCK_TIMEOUT_MS * 1000UL;
    if (count > 1 || (lost_race && connection->calls[0]->tries < MAX_TRIES))
        queue_put_back(&connection->shared->queue, connection->calls, count);
    else
        reply_status(connection->calls[0], sqlstate_status(sqlstate), sqlstate);
}

static void finish_set(struct database_connection *connection)
{
    PGresult *result = connection->result;

    /* Every error of the database has an SQLSTATE. Without one, libpq ran out of memory and lost the result:
     * whether the set was executed is unknown. */
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL) {
        database_connection_drop(connection, 503, "the answer cannot be read");
        return;
    }
    connection->result = NULL;
    metrics_observe_call(connection->shared->metrics, connection->calls[0]->step, charge_set(connection));
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQnfields(result) == STATEMENT_COLUMNS)
        reply_set(connection, result);
    else
        reply_error(connection, result);
    PQclear(result);
}

/* An error before any row was raised by the statement, and nothing was committed; unless a pooler reports it
 * (class 08), which knows no more about a lost server than we do. */
static void note_result(struct database_connection *connection, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (connection->result == NULL)
        connection->is_undone = sqlstate != NULL && strncmp(sqlstate, "08", 2) != 0;
}

/* A commit that no longer waits for its standby is reported as done, after a warning; it would be lost if
 * that standby took over. */
static void on_notice(void *data, const PGresult *result)
{
    struct database_connection *connection = data;
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

    if (function != NULL && strcmp(function, "SyncRepWaitForLSN") == 0)
        connection->is_unconfirmed = true;
}

/* Reads the results that have arrived. libpq returns NULL once the server has ended the transaction: if the
 * commit fails, an error follows the rows as a second result. */
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
            database_connection_drop(connection, 503, "the server closed the connection");
        else if (connection->is_unconfirmed)
            database_connection_drop(connection, 503, "no standby confirmed the commit");
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
        database_connection_drop(connection, 503, "the server closed the connection");
    else
        read_results(connection);
}

static void flush(struct database_connection *connection);

static void on_writable(h2o_socket_t *socket, const char *error)
{
    struct database_connection *connection = socket->data;

    if (error != NULL)
        database_connection_drop(connection, 503, "the connection cannot be written");
    else
        flush(connection);
}

static void flush(struct database_connection *connection)
{
    switch (PQflush(connection->pg)) {
    case 0:
        /* While writing, libpq may have read input, of which the event loop is not notified. */
        read_results(connection);
        break;
    case 1:
        h2o_socket_notify_write(connection->socket, on_writable);
        break;
    default:
        database_connection_drop(connection, 503, "the connection cannot be written");
    }
}

/* The element of the statement's JSON array for a call. token: a buffer for it. */
static h2o_iovec_t element_of(const struct database_call *call, char token[TOKEN_TEXT_SIZE])
{
    if (call->step != STATEMENT_CHECK_TOKENS)
        return call->request;
    snprintf(token, TOKEN_TEXT_SIZE, "\"%s:%s\"", call->token->id, call->token->secret_sha256);
    return h2o_iovec_init(token, strlen(token));
}

/* The set's JSON array, which the caller frees; NULL when memory ran out. */
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

void database_connection_send(struct database_connection *connection)
{
    const struct config *config = connection->shared->config;
    const struct statement_text *statement = &statements[connection->calls[0]->step];
    char *requests = join_requests(connection);
    const char *const parameters[] = {requests};
    const uint64_t now = clock_now_us();
    bool has_short_lock_timeout = now < connection->shared->short_lock_timeout_until;
    int sent;

    if (requests == NULL) {
        connection->is_undone = true;
        fail_set(connection, 503);
        return;
    }
    connection->sent_at = now;
    connection->deadline = now + (uint64_t)config->database_timeout * 1000;
    if (connection->calls[0]->step != STATEMENT_CHECK_TOKENS)
        metrics_observe(connection->shared->metrics, METRICS_SET_SIZE, connection->count);
    for (size_t i = 0; i < connection->count; i++) {
        connection->calls[i]->tries++;
        if (connection->calls[i]->step == STATEMENT_CHECK_TOKENS)
            continue;
        metrics_observe(
            connection->shared->metrics, METRICS_QUEUE_WAIT, now - connection->calls[i]->waits_since);
    }
    connection->is_undone = false;
    sent = config->prepared_statements && !has_short_lock_timeout
               ? PQsendQueryPrepared(connection->pg, statement->name, 1, parameters, NULL, NULL, 0)
               : PQsendQueryParams(connection->pg,
                     has_short_lock_timeout ? statement->short_lock_timeout_sql : statement->sql, 1, NULL,
                     parameters, NULL, NULL, 0);
    free(requests);
    if (!sent) {
        database_connection_drop(connection, 503, "the statement cannot be sent");
        return;
    }
    flush(connection);
}

void database_connection_adopt(struct database_connection *connection, PGconn *pg)
{
    int fd = dup(PQsocket(pg));

    if (fd < 0) {
        log_event("database_connection_lost",
            json_pack("{s:s, s:i}", "reason", "no file descriptor is free", "requests", 0));
        PQfinish(pg);
        connector_request(connection->shared->connector);
        return;
    }
    connection->pg = pg;
    connection->is_undone = false;
    connection->is_unconfirmed = false;
    PQsetNoticeReceiver(pg, on_notice, connection);
    connection->socket = h2o_evloop_socket_create(connection->shared->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    connection->socket->data = connection;
    h2o_socket_read_start(connection->socket, on_readable);
}

void database_connection_close(struct database_connection *connection)
{
    fail_set(connection, 503);
    if (connection->pg != NULL)
        disconnect(connection);
}
