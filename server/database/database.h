#ifndef ACCOUNTSD_DATABASE_H
#define ACCOUNTSD_DATABASE_H

/* The way to the database of one worker: a bounded queue of calls (queue.h) and the connections that
 * serve it. A connection that is free takes what is next as one set; nobody is held back to fill a set.
 * Belongs to the worker's thread; knows nothing of HTTP but its status codes. */

#include <h2o.h>

#include "base/config.h"
#include "database/statement.h"
#include "database/token.h"
#include "telemetry/metrics.h"

struct database;
struct database_call;

/* The verdict on one call. The texts are the callee's for the length of the call only; those that do not
 * apply are NULL. */
struct database_reply {
    int status;
    const char *id;
    const char *body;
    const char *detail;
    const char *errors;
    const char *type;
    /* The answer was given before, and nothing was done now. */
    bool is_replay;
    /* Nothing of it was kept, as the request asked. */
    bool is_rolled_back;
    /* Of an error that the database raised, for the log. */
    const char *sqlstate;
};

typedef void (*database_on_reply)(struct database_call *call, const struct database_reply *reply);

/* A call, embedded in what its maker keeps about it. The maker sets the first part and leaves all of it alone
 * until on_reply, which comes exactly once and never from within database_submit. */
struct database_call {
    enum statement statement;
    /* One element of the statement's JSON array. */
    h2o_iovec_t request;
    database_on_reply on_reply;
    /* The token that it is made with, for as long as the call; NULL where it names none. */
    const struct token *token;
    /* It may not go in a set with others. */
    bool alone;

    struct database *database;
    database_on_reply on_end;
    unsigned tries;
    /* The queue's: where it waits or was taken from, and what is to be sent for it next. */
    struct lane *lane;
    enum statement step;
    uint64_t charged_us;
    struct database_call *next;
    /* clock_now_us() of when it was put into the queue, the first time and the last. */
    uint64_t queued_at, waits_since;
};

/* Counts in metrics. NULL when memory ran out or the connector's thread cannot be made. */
struct database *database_create(
    h2o_context_t *context, const struct config *config, struct metrics *metrics);

/* Calls that still wait are answered with 503. */
void database_destroy(struct database *database);

/* To be called after each turn of the loop: hands out what the turn has gathered, gives up what has taken too
 * long. Deadlines do not wait for libh2o's timers, which follow the wall clock. */
void database_run(struct database *database);

/* Queues a call. False, and the call not taken, when the queue is full or the database is away. */
bool database_submit(struct database *database, struct database_call *call);

#endif
