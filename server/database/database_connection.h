#ifndef ACCOUNTSD_DATABASE_CONNECTION_H
#define ACCOUNTSD_DATABASE_CONNECTION_H

/* One connection to the database: sends a set of calls as one statement, reads the result after the end of
 * the transaction, and answers the calls or puts them back into the queue. All on the worker's thread. */

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "database/call.h"
#include "database/connector.h"
#include "database/queue.h"
#include "telemetry/metrics.h"

/* What the connections of one worker have in common. */
struct database_shared {
    const struct config *config;
    h2o_loop_t *loop;
    struct metrics *metrics;
    struct connector *connector;
    struct queue queue;
    /* clock_now_us() until which sets run with a short lock_timeout. */
    uint64_t short_lock_timeout_until;
};

/* Read-only outside database_connection.c, except calls and count. */
struct database_connection {
    struct database_shared *shared;
    /* NULL while the connector opens a new one. */
    PGconn *pg;
    /* Uses a duplicate of libpq's file descriptor, so that libh2o and libpq each close their own. */
    h2o_socket_t *socket;
    /* The set that is being executed, in order. */
    struct database_call *calls[CONFIG_SET_SIZE_MAX];
    size_t count;
    /* clock_now_us() when the set was sent, and when it times out. */
    uint64_t sent_at, deadline;
    /* The last result of the set: it counts once the transaction has ended, not before. */
    PGresult *result;
    /* The database has reported, before any row, that the set was not executed. */
    bool is_undone;
    /* The database has reported that it no longer waits for a standby to confirm the commit. */
    bool is_unconfirmed;
};

/* Takes ownership of pg. If no file descriptor is free, asks the connector for another connection. */
void database_connection_adopt(struct database_connection *connection, PGconn *pg);

/* Sends the set in calls, at least one call. */
void database_connection_send(struct database_connection *connection);

/* Closes the connection and asks the connector for another. The set is put back into the queue if the
 * database has reported that it was not executed; otherwise its calls get the status. */
void database_connection_drop(struct database_connection *connection, int status, const char *reason);

/* For the end of the worker: answers the set, if any, with 503, and closes the connection for good. */
void database_connection_close(struct database_connection *connection);

#endif
