#ifndef ACCOUNTSD_CONNECTOR_H
#define ACCOUNTSD_CONNECTOR_H

/* Makes database connections on a thread of its own, and hands them to a loop. One connector serves one loop;
 * connector_request and connector_stop are the loop's to call. It makes one at a time. After a failure it
 * waits, from a tenth of a second up to --database-retry-interval, doubled each time and with jitter, before
 * it tries again. */

#include <h2o.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/config.h"
#include "database/postgres.h"

#define CONNECTOR_ERROR_MAX POSTGRES_ERROR_MAX

/* Connects, checks that the schema is one that this server can work with, and prepares the statements, all of
 * it blocking and within --database-connect-timeout, or until stop_fd, unless it is -1, is readable. NULL on
 * failure, and a line in error that says why; *is_unfit says whether it was the schema. At the first time
 * that it succeeds it also looks at the role's timeouts: where they are none, or not below ours, the log says
 * so. */
PGconn *connector_connect(
    const struct config *config, int stop_fd, char error[CONNECTOR_ERROR_MAX], bool *is_unfit);

/* Connects and checks the schema, and no more: what deliver needs. As connector_connect otherwise. */
PGconn *connector_open(const struct config *config, const struct postgres_limit *limit,
    char error[CONNECTOR_ERROR_MAX], bool *is_unfit);

struct connector;

/* Called on the loop's thread: pg is a connection in non-blocking mode, now the callee's, or NULL when an
 * attempt failed for the reason in error (more attempts follow), the schema if is_unfit. */
typedef void (*connector_on_result)(void *data, PGconn *pg, const char *error, bool is_unfit);

/* NULL when no thread can be made. config must stay as long as the connector. */
struct connector *connector_start(
    h2o_multithread_queue_t *queue, const struct config *config, connector_on_result on_result, void *data);

/* Asks for one more connection. */
void connector_request(struct connector *connector);

/* Ends an attempt under way, then frees everything; on_result is not called any more. */
void connector_stop(struct connector *connector);

#endif
