#ifndef ACCOUNTSD_OUTCOMES_H
#define ACCOUNTSD_OUTCOMES_H

/* The outcomes of deliveries that have not been reported to the database yet. On the loop's thread. */

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

/* Takes ownership of a delivery that has ended. */
void outcomes_keep(struct outcomes *outcomes, struct delivery *delivery);

/* Drops outcomes whose lease has ended: another worker may have the mail, so the database ignores them. Mails
 * that were sent are reported however late. */
void outcomes_drop_overdue(struct outcomes *outcomes);

/* Reports all outcomes. On failure keeps them and returns false, with the reason in outbox. */
bool outcomes_report(struct outcomes *outcomes, struct outbox *outbox);

/* Drops all outcomes. */
void outcomes_drop_all(struct outcomes *outcomes);

#endif
