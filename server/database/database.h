#ifndef ACCOUNTSD_DATABASE_H
#define ACCOUNTSD_DATABASE_H

/* The database calls of one worker: a bounded queue (queue.h) and the connections that serve it. A connection
 * that becomes free takes the next calls as one set; no call waits for a set to fill. All on the worker's
 * thread. */

#include <h2o.h>

#include "base/config.h"
#include "database/call.h"
#include "telemetry/metrics.h"

struct database;

struct database *database_create(
    h2o_context_t *context, const struct config *config, struct metrics *metrics);

/* Answers waiting calls with 503. */
void database_destroy(struct database *database);

/* Must be called after each iteration of the event loop: sends queued calls, and fails those that have timed
 * out. libh2o's timers are not used because they follow the wall clock. */
void database_run(struct database *database);

/* Queues a call. False, without queuing it, if the queue is full or the database is unavailable. */
bool database_submit(struct database *database, struct database_call *call);

#endif
