#ifndef ACCOUNTSD_WORKER_H
#define ACCOUNTSD_WORKER_H

/* One thread: its loop, its listener, its database connections. Workers share nothing that changes. */

#include <h2o.h>

#include "config.h"

struct worker;

/* Makes a worker that accepts from listen_fd, which it takes over. config and globalconf must outlive it.
 * tls: NULL for clear text; the worker takes a reference of its own. NULL when a thread cannot be made. */
struct worker *worker_start(
    const struct config *config, h2o_globalconf_t *globalconf, int listen_fd, SSL_CTX *tls);

/* Tells the worker, from another thread, to take this context for the connections to come; it takes a
 * reference of its own. Not after worker_drain. */
void worker_set_tls(struct worker *worker, SSL_CTX *tls);

/* Tells the worker, from another thread and once, to accept no more, to end what is in flight, and to end
 * itself. */
void worker_drain(struct worker *worker);

/* Waits for the worker to end and frees it. Returns how many requests the drain had to give up. */
size_t worker_join(struct worker *worker);

#endif
