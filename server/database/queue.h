#ifndef ACCOUNTSD_QUEUE_H
#define ACCOUNTSD_QUEUE_H

/* The calls of one worker that wait for a database connection: at most --queue-size, each for at most
 * --queue-timeout. The queue decides which calls are sent next and together. Calls are linked, not owned.
 *
 * The database's time is shared among tokens (lane.h) by start-time fair queuing. A lane's tag is the
 * database time that it has used, raised to the queue's virtual time when it begins to wait. The lane with
 * the least tag is served next, and the virtual time advances to its tag. So a lane that uses less than its
 * share does not wait for lanes that use more. Such a lane is light, and so is one whose calls take at most a
 * quarter of the average: light lanes share no set with others, and one connection is reserved for them. The
 * calls of a lane are served in order of arrival. Tokens without a lane are checked first, many in one call,
 * so that unknown tokens cause no other work.
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
    /* The lanes that have waiting calls, unordered. */
    struct lane **waiting;
    size_t waiting_count;
    /* The number of waiting calls, and of lanes with calls that wait or run. */
    size_t count, busy;
    /* The virtual time and the greatest tag so far. */
    uint64_t virtual_time, last_tag;
    /* The average time of a call. */
    uint64_t call_us;
    /* The lane to which a call was added last, and clock_now_us() when that became a different lane. */
    const struct lane *last_lane;
    uint64_t changed_at;
};

/* config and metrics must outlive the queue. */
void queue_init(struct queue *queue, const struct config *config, struct metrics *metrics);
/* The queue must be empty. */
void queue_dispose(struct queue *queue);

/* Appends a call. False, without adding it, if the queue is full or the token's lane already has as many
 * calls as there is room left; so there is always room for other tokens. */
bool queue_add(struct queue *queue, struct database_call *call);

/* Appends a call that was taken only to check its token, which was accepted, to the token's lane. False,
 * without adding it, if there is no room for the lane. */
bool queue_admit(struct queue *queue, struct database_call *call);

/* Puts at least one taken call back at the head of the lanes, in order, to be tried one by one; even if the
 * queue is full. */
void queue_put_back(struct queue *queue, struct database_call **calls, size_t count);

/* Takes any call; NULL if there is none. */
struct database_call *queue_take(struct queue *queue);

/* Takes a call that has waited for --queue-timeout; NULL if there is none. now: of clock_now_us(). */
struct database_call *queue_take_expired(struct queue *queue, uint64_t now);

/* Takes a set: the first call and those that may share a set with it, up to --set-size and, if other tokens
 * make requests, --set-time. is_last: the set is for the last free connection. Returns the number of calls; 0
 * if none may use the connection. */
size_t queue_take_set(
    struct queue *queue, bool is_last, uint64_t now, struct database_call *calls[CONFIG_SET_SIZE_MAX]);

/* Charges the lanes for the time that a set used. Call it before its calls are settled. */
void queue_charge(struct queue *queue, struct database_call **calls, size_t count, uint64_t us);

/* Must be called before a taken call is answered with a status. */
void queue_settle(struct queue *queue, struct database_call *call, int status);

#endif
