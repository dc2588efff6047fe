#ifndef ACCOUNTSD_UPKEEP_H
#define ACCOUNTSD_UPKEEP_H

/* Periodic work of deliver besides mails: numbers events, measures the backlog and the key space, and
 * announces expiries. Blocks as the calls of outbox.h do. */

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "delivery/delivery_metrics.h"
#include "delivery/outbox.h"

struct upkeep {
    const struct config *config;
    struct delivery_metrics *metrics;
    struct outbox *outbox;
    /* Events may lack a position; expiries may not have been announced. */
    bool may_have_events, may_have_expiries;
    /* clock_now_ms() of the next measurement and announcement. */
    int64_t measure_at, announce_at;
    /* The percentage of the key space that was logged last. */
    uint64_t logged_percent;
};

/* Each returns NULL, or the name of the database function that failed, with the reason in the outbox. */
const char *upkeep_number_events(struct upkeep *upkeep);
const char *upkeep_measure(struct upkeep *upkeep);
const char *upkeep_announce(struct upkeep *upkeep);

#endif
