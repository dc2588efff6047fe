#ifndef ACCOUNTSD_WORKER_H
#define ACCOUNTSD_WORKER_H

/* A thread with its own event loop, listener and database connections. The counts of client addresses are the
 * only mutable state that workers share. */

#include <h2o.h>

#include "base/config.h"
#include "http/address.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct worker;

/* Starts a worker that accepts from listen_fd, of which it takes ownership. config, globalconf, templates,
 * addresses (NULL: not counted) and metrics, which only the worker's thread may write, must outlive it. tls:
 * NULL for clear text; the worker takes its own reference. */
struct worker *worker_start(const struct config *config, h2o_globalconf_t *globalconf, int listen_fd,
    SSL_CTX *tls, const struct templates *templates, struct addresses *addresses, struct metrics *metrics);

/* Sets the TLS context for new connections; the worker takes its own reference. Call it from another thread,
 * and not after worker_drain. */
void worker_set_tls(struct worker *worker, SSL_CTX *tls);

/* Announces worker_drain: the worker goes on serving, reports that it is draining, and closes each connection
 * after its next response. Call it once, from another thread. */
void worker_announce_drain(struct worker *worker);

/* Makes the worker stop accepting, finish requests in flight and end. Call it once, from another thread. */
void worker_drain(struct worker *worker);

/* Waits for the worker to end and frees it. Returns the number of requests that the drain gave up. */
size_t worker_join(struct worker *worker);

#endif
