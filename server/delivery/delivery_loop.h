#ifndef ACCOUNTSD_DELIVERY_LOOP_H
#define ACCOUNTSD_DELIVERY_LOOP_H

/* accountsd deliver: claims mails from the database's queue, sends them and reports their outcomes. The loop
 * runs on the calling thread, the senders (sender.h) on threads of their own. Any number of processes may
 * run: a claimed mail belongs to one of them until its lease ends. */

#include <stdbool.h>

#include "base/config.h"
#include "delivery/delivery_metrics.h"

struct delivery_loop;

/* Starts the senders. config must outlive the loop. Dies on failure (die.h). */
struct delivery_loop *delivery_loop_start(const struct config *config);

/* Owned by the loop. */
const struct delivery_metrics *delivery_loop_metrics(const struct delivery_loop *loop);

/* Delivers until a stop signal (signals.h), then waits for the deliveries in flight. False if deliveries were
 * aborted or outcomes could not be reported. */
bool delivery_loop_run(struct delivery_loop *loop);

void delivery_loop_free(struct delivery_loop *loop);

#endif
