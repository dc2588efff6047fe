#ifndef ACCOUNTSD_LANE_H
#define ACCOUNTSD_LANE_H

/* The calls of one worker by who makes them. Each API token that the database has lately accepted has a lane
 * of its own; tokens that it has not accepted share one, and so do calls that name no token. Nothing here
 * lets a call pass: the database looks at each token each time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "database/token.h"

/* call.h */
struct database_call;

struct lane {
    /* Those that wait, in order of arrival, but for what is tried again, which came before; last is where the
     * next one's pointer goes. */
    struct database_call *first, **last;
    size_t waiting, running;
    /* The queue's: where the lane is in the sharing out of the database's time, in microseconds; whether it
     * has had less than its share; what one call takes, on average. */
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
    struct lane nobody, unproven;
    struct lane *lanes, **buckets;
    size_t count, capacity, bucket_mask;
};

/* Room for so many lanes that are in use and some that are not. False when memory ran out. */
bool lanes_init(struct lanes *lanes, size_t in_use);
void lanes_dispose(struct lanes *lanes);

/* The lane of a token, NULL for none. It stays as long as calls wait in it or run. */
struct lane *lanes_find(struct lanes *lanes, const struct token *token);

/* The database has accepted the token: it has a lane of its own, in the place of one that was not used
 * lately. The shared lane where there is no room. */
struct lane *lanes_accept(struct lanes *lanes, const struct token *token);

/* The database has refused the token. */
void lanes_refuse(struct lanes *lanes, const struct token *token);

bool lane_is_busy(const struct lane *lane);

#endif
