#ifndef ACCOUNTSD_LANE_H
#define ACCOUNTSD_LANE_H

/* The waiting calls of one worker by API token. Each token that the database has recently accepted has its
 * own lane; all other tokens share one, and calls without a token share another. A lane grants no access: the
 * database checks the token of each call. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "database/token.h"

/* call.h */
struct database_call;

struct lane {
    /* The waiting calls in order of arrival, retried calls first; last points to the link after the last. */
    struct database_call *first, **last;
    size_t waiting, running;
    /* Private to the queue: the lane's tag in fair queuing (queue.h), the average time of its calls, both in
     * microseconds, and whether it is light. */
    uint64_t tag;
    bool is_light;
    uint64_t call_us;

    /* Private. */
    struct token token;
    bool is_known;
    struct lane *next;
};

/* Private. */
struct lanes {
    struct lane anonymous, unverified;
    struct lane *lanes, **buckets;
    size_t count, capacity, bucket_mask;
};

/* in_use: the number of lanes that can have calls at the same time. */
void lanes_init(struct lanes *lanes, size_t in_use);
void lanes_dispose(struct lanes *lanes);

/* The lane of a token, or of calls without a token if token is NULL. It is valid while it has calls that wait
 * or run. */
struct lane *lanes_find(struct lanes *lanes, const struct token *token);

/* Called when the database has accepted a token: gives it its own lane, in place of an idle one if necessary.
 * Returns the shared lane if there is no room. */
struct lane *lanes_accept(struct lanes *lanes, const struct token *token);

/* Called when the database has refused a token. */
void lanes_refuse(struct lanes *lanes, const struct token *token);

bool lane_is_busy(const struct lane *lane);

#endif
