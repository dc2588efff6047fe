#include "database/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "database/statement.h"

/* The version of api.schema_version() that this server was written for. */
#define SCHEMA_VERSION 4

/* With a stricter default isolation level, concurrent requests would fail instead of waiting for each other.
 * The level is set only if it differs, because some poolers reserve a connection for a session with its own
 * settings. */
static const char schema_query[] =
    "select version, oldest_server,"
    " case when current_setting('default_transaction_isolation') <> 'read committed'"
    " then set_config('default_transaction_isolation', 'read committed', false) end"
    " from api.schema_version()";

/* *is_schema_unsupported stays false if the schema version could not be read. */
static bool check_schema(PGconn *pg, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX],
    bool *is_schema_unsupported)
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

        /* 3F000, 42883: the schema or the function does not exist. */
        *is_schema_unsupported =
            sqlstate != NULL && (strcmp(sqlstate, "3F000") == 0 || strcmp(sqlstate, "42883") == 0);
        if (*is_schema_unsupported)
            snprintf(error, POSTGRES_ERROR_MAX,
                "the schema is too old: it has no api.schema_version(), and this server needs version %d; "
                "run the migrations",
                SCHEMA_VERSION);
        else
            postgres_copy_error(error, PQresultErrorMessage(result));
    } else {
        int version = atoi(PQgetvalue(result, 0, 0)), oldest_server = atoi(PQgetvalue(result, 0, 1));

        if (version < SCHEMA_VERSION)
            snprintf(error, POSTGRES_ERROR_MAX,
                "the schema is too old: it is version %d, and this server needs version %d; run the "
                "migrations",
                version, SCHEMA_VERSION);
        else if (oldest_server > SCHEMA_VERSION)
            snprintf(error, POSTGRES_ERROR_MAX,
                "the schema is too new: it is version %d, and no longer supports this server, which is for "
                "version %d",
                version, SCHEMA_VERSION);
        else
            fits = true;
        *is_schema_unsupported = !fits;
    }
    PQclear(result);
    return fits;
}

static bool prepare_statements(PGconn *pg, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX])
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

PGconn *session_open(const struct config *config, const struct postgres_limit *limit,
    char error[POSTGRES_ERROR_MAX], bool *is_schema_unsupported)
{
    char reason[POSTGRES_ERROR_MAX];
    PGconn *pg = postgres_connect(config->database_url, limit, reason);

    *is_schema_unsupported = false;
    if (pg == NULL) {
        text_print_line(error, POSTGRES_ERROR_MAX, "cannot reach the database: %s", reason);
        return NULL;
    }
    if (check_schema(pg, limit, error, is_schema_unsupported))
        return pg;
    PQfinish(pg);
    return NULL;
}

/* Warns once per process if the role's timeouts are not below --database-timeout: a statement that the server
 * gives up first goes on in the database and keeps its locks. */
static bool warn_of_timeouts(PGconn *pg, const struct config *config, const struct postgres_limit *limit,
    char error[POSTGRES_ERROR_MAX])
{
    static atomic_bool has_warned;
    PGresult *result;

    if (atomic_load(&has_warned))
        return true;
    if (!PQsendQuery(pg,
            "select name, setting from pg_settings where name in ('lock_timeout', 'statement_timeout')")) {
        postgres_copy_error(error, PQerrorMessage(pg));
        return false;
    }
    if ((result = postgres_result(pg, limit, error)) == NULL)
        return false;
    /* Another thread may have warned meanwhile. */
    if (atomic_exchange(&has_warned, true)) {
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

PGconn *session_open_prepared(
    const struct config *config, int stop_fd, char error[POSTGRES_ERROR_MAX], bool *is_schema_unsupported)
{
    const struct postgres_limit limit = {
        .deadline_ms = clock_now_ms() + config->database_connect_timeout * 1000, .stop_fd = stop_fd};
    PGconn *pg = session_open(config, &limit, error, is_schema_unsupported);

    if (pg == NULL || ((!config->prepared_statements || prepare_statements(pg, &limit, error)) &&
                          warn_of_timeouts(pg, config, &limit, error)))
        return pg;
    PQfinish(pg);
    return NULL;
}
