#ifndef ACCOUNTSD_STATEMENT_H
#define ACCOUNTSD_STATEMENT_H

#include <stdbool.h>

/* The calls that the server makes of the database. Each takes one JSON array of requests as its parameter
 * and returns, for each request, a row of these columns, all text: ordinal (from 1), status (HTTP's), id,
 * body, detail, errors, type, is_replay ("t" where the answer was given before), is_rolled_back ("t" where
 * nothing of it was kept, as the request asked). */
enum statement {
    /* Each request is a token, as text; the status is 200 or 401. */
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
    /* The name it is prepared under. */
    const char *name;
    const char *sql;
    /* The same, waiting hardly at all for a lock; not prepared. */
    const char *hasty_sql;
    /* Whether requests may share a call. What waits for a lock or reads much goes alone, so that nobody
     * else waits with it. */
    bool is_set;
    /* Whether it changes anything, so that it can be asked for as a dry run. */
    bool is_change;
};

extern const struct statement_text statements[STATEMENT_COUNT];

#endif
