#ifndef ACCOUNTSD_WORKER_H
#define ACCOUNTSD_WORKER_H

/* One thread: its loop, its listener, its database connections. Workers share nothing that changes
 * but the counts of client addresses. */

#include <h2o.h>

#include "base/config.h"
#include "http/address.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct worker;

/* Makes a worker that accepts from listen_fd, which it takes over. config, globalconf, templates, addresses
 * (NULL where they are not counted) and metrics, which from now on only its thread writes, must outlive it.
 * tls: NULL for clear text; the worker takes a reference of its own. NULL when a thread cannot be made. */
struct worker *worker_start(const struct config *config, h2o_globalconf_t *globalconf, int listen_fd,
    SSL_CTX *tls, const struct templates *templates, struct addresses *addresses, struct metrics *metrics);

/* Tells the worker, from another thread, to take this context for the connections to come; it takes a
 * reference of its own. Not after worker_drain. */
void worker_set_tls(struct worker *worker, SSL_CTX *tls);

/* Tells the worker, from another thread and once, that worker_drain will follow: it serves on, says so in its
 * metrics, and closes each connection after its next answer. */
void worker_announce_drain(struct worker *worker);

/* Tells the worker, from another thread and once, to accept no more, to end what is in flight, and to end
 * itself. */
void worker_drain(struct worker *worker);

/* Waits for the worker to end and frees it. Returns how many requests the drain had to give up. */
size_t worker_join(struct worker *worker);

#endif
