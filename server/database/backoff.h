#ifndef ACCOUNTSD_BACKOFF_H
#define ACCOUNTSD_BACKOFF_H

/* Exponential backoff. Its jitter keeps processes that lost the same database from retrying at the same
 * moment. */

#include <stdint.h>

/* All zero if the last attempt succeeded. */
struct backoff {
    long ms;
    /* clock_now_ms() of the next attempt. */
    int64_t until;
};

/* Must be called after a failure. The delay doubles from min_ms up to max_ms; the wait is a random time
 * between half of the delay and all of it. */
void backoff_extend(struct backoff *backoff, unsigned *seed, long min_ms, long max_ms);

#endif
