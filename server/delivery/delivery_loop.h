#ifndef ACCOUNTSD_DELIVERY_LOOP_H
#define ACCOUNTSD_DELIVERY_LOOP_H

/* accountsd deliver: takes mails out of the database's queue, sends them, and reports the outcome of each to
 * the database. One loop on the calling thread; the senders (sender.h) are threads of their own. Any number
 * of processes may run: a mail belongs to one of them for the length of its lease. */

#include <stdbool.h>

#include "base/config.h"
#include "delivery/delivery_metrics.h"

struct delivery_loop;

/* Starts the senders. config must outlive the loop. Ends the process, with the reason, where something is
 * missing. */
struct delivery_loop *delivery_loop_start(const struct config *config);

/* What the loop counts, for as long as the loop is there. */
const struct delivery_metrics *delivery_loop_metrics(const struct delivery_loop *loop);

/* Delivers until a signal to stop (signals.h), then until what is in flight has ended. False when deliveries
 * were broken off or their outcomes could not be reported. */
bool delivery_loop_run(struct delivery_loop *loop);

void delivery_loop_free(struct delivery_loop *loop);

#endif
