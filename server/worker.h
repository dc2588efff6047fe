#ifndef ACCOUNTSD_WORKER_H
#define ACCOUNTSD_WORKER_H

/* One thread: its loop, its listener, its database connections. Workers share nothing that changes. */

#include <h2o.h>

#include "config.h"

struct worker;

/* Makes a worker that accepts from listen_fd, which it takes over. config and globalconf must outlive it.
 * NULL when a thread cannot be made. */
struct worker *worker_start(const struct config *config, h2o_globalconf_t *globalconf, int listen_fd);

/* Tells the worker, from another thread and once, to accept no more, to end what is in flight, and to end
 * itself. */
void worker_drain(struct worker *worker);

/* Waits for the worker to end and frees it. Returns how many requests the drain had to give up. */
size_t worker_join(struct worker *worker);

#endif
