#ifndef ACCOUNTSD_SESSION_H
#define ACCOUNTSD_SESSION_H

/* Opens database sessions. Blocks; any thread. The functions return a connection in non-blocking mode, which
 * the caller owns, or NULL with one line in error; *is_schema_unsupported says whether the schema is the
 * reason. */

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/config.h"
#include "database/postgres.h"

/* Connects and checks that this server supports the schema. */
PGconn *session_open(const struct config *config, const struct postgres_limit *limit,
    char error[POSTGRES_ERROR_MAX], bool *is_schema_unsupported);

/* Also prepares the statements. Fails after --database-connect-timeout or when stop_fd, unless it is -1, is
 * readable. The first success in the process logs a warning if the role's lock_timeout or statement_timeout
 * is not below --database-timeout. */
PGconn *session_open_prepared(
    const struct config *config, int stop_fd, char error[POSTGRES_ERROR_MAX], bool *is_schema_unsupported);

#endif
