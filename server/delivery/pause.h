#ifndef ACCOUNTSD_PAUSE_H
#define ACCOUNTSD_PAUSE_H

/* How long to leave alone what fails: each failure doubles the time until the next attempt. */

#include <stdint.h>

/* Zero where the last attempt succeeded. */
struct pause {
    long ms;
    /* Of clock_now_ms(). */
    int64_t until;
};

/* After a failure: from min_ms up to max_ms, and at random no less than half of it, so that not all workers
 * try again at the same moment. */
void pause_extend(struct pause *pause, unsigned *seed, long min_ms, long max_ms);

#endif
