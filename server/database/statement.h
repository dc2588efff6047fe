#ifndef ACCOUNTSD_STATEMENT_H
#define ACCOUNTSD_STATEMENT_H

#include <stdbool.h>

/* The statements that the server executes. Each takes a JSON array of requests as its parameter and returns a
 * row for each request, with the columns of enum statement_column, all text: ordinal (from 1), status (of
 * HTTP), id, body, detail, errors, type, is_replay ("t": stored answer), is_rolled_back ("t": dry run). */
enum statement {
    /* Each request is a token as a JSON string; the status is 200 or 401. */
    STATEMENT_CHECK_TOKENS,
    STATEMENT_CREATE_ACCOUNT_USERS,
    STATEMENT_READ,
    STATEMENT_LIST,
    STATEMENT_CHANGE,
    STATEMENT_COUNT,
};

enum statement_column {
    STATEMENT_ORDINAL,
    STATEMENT_STATUS,
    STATEMENT_ID,
    STATEMENT_BODY,
    STATEMENT_DETAIL,
    STATEMENT_ERRORS,
    STATEMENT_TYPE,
    STATEMENT_IS_REPLAY,
    STATEMENT_IS_ROLLED_BACK,
    STATEMENT_COLUMNS,
};

struct statement_text {
    /* The name of the prepared statement. */
    const char *name;
    const char *sql;
    /* The same with a short lock_timeout; not prepared. */
    const char *short_lock_timeout_sql;
    /* Whether requests may share a call. Statements that may wait for a lock or read much run alone, so that
     * other requests do not wait with them. */
    bool is_set;
    /* Whether it changes anything and so supports dry runs. */
    bool is_change;
};

extern const struct statement_text statements[STATEMENT_COUNT];

#endif
