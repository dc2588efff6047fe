#ifndef ACCOUNTSD_QUEUE_H
#define ACCOUNTSD_QUEUE_H

/* The calls of one worker that wait for a database connection: at most --queue-size, each at most
 * --queue-timeout. Says which go next and together, and counts them in metrics; answers none and knows no
 * connection. Allocates nothing: a call is linked in, its maker's as before, and the queue knows it no more
 * once it is taken. All on the worker's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "metrics.h"

/* database.h */
struct database_call;

/* Private. */
struct queue {
    const struct config *config;
    struct metrics *metrics;
    /* In order of arrival, but for what is tried again, which came before; last is where the next one's
     * pointer goes. */
    struct database_call *first, **last;
    size_t count;
};

/* An empty queue. config and metrics must outlive it. */
void queue_init(struct queue *queue, const struct config *config, struct metrics *metrics);

bool queue_is_empty(const struct queue *queue);

/* Puts a call at the end. False, and the call not taken, when the queue is full. */
bool queue_add(struct queue *queue, struct database_call *call);

/* Puts calls that were taken, at least one, back at the head, in their order, to be tried one by one. However
 * full the queue is: they have been let in. */
void queue_put_back(struct queue *queue, struct database_call **calls, size_t count);

/* Takes the first call; NULL when there is none. */
struct database_call *queue_take(struct queue *queue);

/* Takes the first call if it has waited for as long as any may; else NULL. now: of metrics_now(). */
struct database_call *queue_take_expired(struct queue *queue, uint64_t now);

/* Takes a set off the queue, which is not empty: the first call, and those next to it that may go with it, up
 * to --set-size. Returns how many. */
size_t queue_take_set(struct queue *queue, struct database_call *calls[CONFIG_SET_SIZE_MAX]);

#endif
