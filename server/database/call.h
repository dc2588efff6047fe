#ifndef ACCOUNTSD_CALL_H
#define ACCOUNTSD_CALL_H

/* A database call and its reply. */

#include <h2o/memory.h>
#include <stdbool.h>
#include <stdint.h>

#include "database/statement.h"
#include "database/token.h"

struct database;
struct database_call;
struct lane;

/* Strings are valid until on_reply returns; those that do not apply are NULL. */
struct database_reply {
    int status;
    const char *id;
    const char *body;
    const char *detail;
    const char *errors;
    const char *type;
    /* Seconds after which a call over a limit (429) may succeed; 0 if unknown. */
    long retry_after;
    /* The stored reply to an earlier request with the same idempotency key; nothing was done. */
    bool is_replay;
    /* Everything was rolled back, as the request asked. */
    bool is_rolled_back;
    /* Of the error that the database raised, for the log. */
    const char *sqlstate;
};

typedef void (*database_on_reply)(struct database_call *call, const struct database_reply *reply);

/* Embedded in the caller's request. The caller sets the first part and then must not touch the call until
 * on_reply, which is called exactly once and never from within database_submit. */
struct database_call {
    enum statement statement;
    /* One element of the statement's JSON array. */
    h2o_iovec_t request;
    database_on_reply on_reply;
    /* Must outlive the call; NULL if the request has none. */
    const struct token *token;
    /* The call must not share a set with other calls. */
    bool alone;

    /* Private to database.c. */
    struct database *database;
    database_on_reply on_end;
    unsigned tries;
    /* Private to the queue: the lane of the call, and the statement to send next. */
    struct lane *lane;
    enum statement step;
    uint64_t charged_us;
    struct database_call *next;
    /* clock_now_us() when it was queued first and last. */
    uint64_t queued_at, waits_since;
};

#endif
