#ifndef ACCOUNTSD_DATABASE_H
#define ACCOUNTSD_DATABASE_H

/* The database as one worker uses it: a bounded queue of calls (queue.h) and the connections that serve it. A
 * free connection takes what is next as one set; no call waits for a set to fill. All on the worker's
 * thread. */

#include <h2o.h>

#include "base/config.h"
#include "database/call.h"
#include "telemetry/metrics.h"

struct database;

/* Counts in metrics. NULL when memory ran out or the connector's thread cannot be made. */
struct database *database_create(
    h2o_context_t *context, const struct config *config, struct metrics *metrics);

/* Calls that still wait are answered with 503. */
void database_destroy(struct database *database);

/* To be called after each turn of the loop: sends what the turn has queued, and gives up what has taken too
 * long. libh2o's timers, which follow the wall clock, are not used. */
void database_run(struct database *database);

/* Queues a call. False, and the call not taken, when the queue is full or the database is away. */
bool database_submit(struct database *database, struct database_call *call);

#endif
