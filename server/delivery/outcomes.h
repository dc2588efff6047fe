#ifndef ACCOUNTSD_OUTCOMES_H
#define ACCOUNTSD_OUTCOMES_H

/* What became of mails, until the database has been told. Belongs to the loop of deliver, which tells. */

#include <stdbool.h>
#include <stddef.h>

#include "delivery/delivery.h"
#include "delivery/delivery_metrics.h"
#include "delivery/outbox.h"

struct outcomes {
    struct delivery_metrics *metrics;
    struct delivery *deliveries;
    size_t count;
};

/* Takes over a delivery that is done. */
void outcomes_keep(struct outcomes *outcomes, struct delivery *delivery);

/* Forgets those whose lease is over, which are another worker's now, and nothing that we would say counts.
 * But that a mail was sent, counts however late. */
void outcomes_drop_overdue(struct outcomes *outcomes);

/* Tells the database of all. False, and all are kept, when it could not be told; outbox has the reason. */
bool outcomes_report(struct outcomes *outcomes, struct outbox *outbox);

/* Forgets all. */
void outcomes_give_up(struct outcomes *outcomes);

#endif
