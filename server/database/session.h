#ifndef ACCOUNTSD_SESSION_H
#define ACCOUNTSD_SESSION_H

/* The set-up of a database session. Blocks; any thread. Both return a connection in non-blocking mode, the
 * caller's, or NULL with a line in error that says why; *is_unfit says whether the schema is the reason. */

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/config.h"
#include "database/postgres.h"

/* Connects and checks that this server can work with the schema. */
PGconn *session_open(const struct config *config, const struct postgres_limit *limit,
    char error[POSTGRES_ERROR_MAX], bool *is_unfit);

/* Also prepares the statements, all within --database-connect-timeout, or until stop_fd, unless it is -1, is
 * readable. When it succeeds for the first time, it logs a warning if the role's lock_timeout or
 * statement_timeout is not below --database-timeout. */
PGconn *session_open_prepared(
    const struct config *config, int stop_fd, char error[POSTGRES_ERROR_MAX], bool *is_unfit);

#endif
