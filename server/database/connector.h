#ifndef ACCOUNTSD_CONNECTOR_H
#define ACCOUNTSD_CONNECTOR_H

/* A thread that opens database sessions (session.h) for one event loop, one at a time. After a failure it
 * waits from a tenth of a second up to --database-retry-interval, doubled each time, with jitter. All
 * functions must be called on the loop's thread. */

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/config.h"

struct connector;

/* pg is a connection in non-blocking mode, which the callee owns, or NULL if an attempt failed, with the
 * reason in error. More attempts follow a failure. */
typedef void (*connector_on_result)(void *data, PGconn *pg, const char *error, bool is_schema_unsupported);

/* config must outlive the connector. */
struct connector *connector_start(
    h2o_multithread_queue_t *queue, const struct config *config, connector_on_result on_result, void *data);

/* Asks for one more connection. */
void connector_request(struct connector *connector);

/* Ends the current attempt and frees everything; on_result is not called any more. */
void connector_stop(struct connector *connector);

#endif
