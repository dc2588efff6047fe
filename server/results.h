#ifndef ACCOUNTSD_RESULTS_H
#define ACCOUNTSD_RESULTS_H

/* What became of mails, until the database has been told. Belongs to the loop of deliver, which tells. */

#include <stdbool.h>
#include <stddef.h>

#include "job.h"
#include "outbox.h"
#include "tally.h"

struct results {
    struct tally *tally;
    struct job *jobs;
    size_t count;
};

/* Takes over a job that is done. */
void results_keep(struct results *results, struct job *job);

/* Forgets those whose lease is over, which are another worker's now, and nothing that we would say counts.
 * But that a mail was sent, counts however late. */
void results_drop_overdue(struct results *results);

/* Tells the database of all. False, and all are kept, when it could not be told; outbox has the reason. */
bool results_tell(struct results *results, struct outbox *outbox);

/* Forgets all. */
void results_give_up(struct results *results);

#endif
