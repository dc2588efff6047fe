#ifndef ACCOUNTSD_QUEUE_H
#define ACCOUNTSD_QUEUE_H

/* The calls of one worker that wait for a database connection: at most --queue-size, each at most
 * --queue-timeout. Says which go next and together, and counts them in metrics; answers none and knows no
 * connection. A call is linked in, its maker's as before.
 *
 * The database's time is shared out by token (lane.h), by start-time fair queueing: a lane's tag is the time
 * that its calls have taken, and at least the queue's clock when it begins to wait; the lane with the least
 * tag is next, and the clock follows. So a lane that asks for less than its share finds the clock ahead of
 * its tag and waits for none of those that ask for more. Such a lane is light, and so is one whose calls take
 * less than half of what calls take on average: they go in no set with the others, and have one connection
 * that those leave free. What is of one token goes in order of arrival. The database is asked of tokens that
 * have no lane first, of many in one call: a made-up one gets nothing else done.
 *
 * All on the worker's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "database/lane.h"
#include "telemetry/metrics.h"

/* Private. */
struct queue {
    const struct config *config;
    struct metrics *metrics;
    struct lanes lanes;
    /* The lanes in which calls wait, in no order. */
    struct lane **waiting;
    size_t waiting_count;
    /* Calls that wait; lanes of which some wait or run. */
    size_t count, busy;
    /* In the time of tags, and the greatest tag that there has been. */
    uint64_t clock, last_tag;
    /* What a call takes, on average. */
    uint64_t call_us;
    /* The lane that was the last to get a call, and clock_now_us() of when that was not the one before. */
    const struct lane *last_lane;
    uint64_t changed_at;
};

/* An empty queue. config and metrics must outlive it. False when memory ran out. */
bool queue_init(struct queue *queue, const struct config *config, struct metrics *metrics);
/* Of an empty queue. */
void queue_dispose(struct queue *queue);

/* Puts a call at the end. False, and the call not taken, when the queue is full or the call's token has as
 * many in it as there is room left: so there is always some for others. */
bool queue_add(struct queue *queue, struct database_call *call);

/* Puts a call that was taken for its token alone, which has been accepted, at the end of the token's lane.
 * False, and the call not put anywhere, when there is no room for the lane. */
bool queue_admit(struct queue *queue, struct database_call *call);

/* Puts calls that were taken, at least one, back before others of their tokens, in their order, to be tried
 * one by one. However full the queue is: they have been let in. */
void queue_put_back(struct queue *queue, struct database_call **calls, size_t count);

/* Takes any call; NULL when there is none. */
struct database_call *queue_take(struct queue *queue);

/* Takes a call that has waited for as long as any may; NULL when there is none. now: of clock_now_us(). */
struct database_call *queue_take_expired(struct queue *queue, uint64_t now);

/* Takes a set off the queue: the first call, and those that may go with it, up to --set-size and, beside
 * others,
 * --set-time. is_last: it is for the last connection that is free. Returns how many, 0 where nobody may have
 * it. */
size_t queue_take_set(
    struct queue *queue, bool is_last, uint64_t now, struct database_call *calls[CONFIG_SET_SIZE_MAX]);

/* Counts what a set that was taken has used of the database, before its calls are settled. */
void queue_charge(struct queue *queue, struct database_call **calls, size_t count, uint64_t us);

/* Takes leave of a call that was taken, which is about to be answered with a status. */
void queue_settle(struct queue *queue, struct database_call *call, int status);

#endif
