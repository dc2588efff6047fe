#ifndef ACCOUNTSD_CONNECTIONS_H
#define ACCOUNTSD_CONNECTIONS_H

/* The client connections of one worker: accepts them up to a limit, in slots that are allocated at the start,
 * and enforces their deadlines. All on the worker's thread. */

#include <h2o.h>
#include <stdbool.h>

#include "base/config.h"
#include "http/address.h"
#include "http/connection.h"
#include "telemetry/metrics.h"
#include "words/template.h"

/* Private except count. */
struct connections {
    struct connection_shared shared;
    /* NULL when closed. */
    h2o_socket_t *listener;
    /* The first `touched` slots have been used; those that are free again are in the list free. */
    struct connection *slots, *free;
    size_t touched;
    size_t count, max_count;
    /* NULL if addresses are not counted. */
    struct addresses *addresses;
};

/* Starts to accept from listen_fd, of which it takes ownership. tls: NULL for clear text; otherwise
 * connection_watch_alerts must have been called for it. addresses: shared by all workers; NULL if they are
 * not counted. config, templates, addresses and metrics must outlive the connections. */
void connections_init(struct connections *connections, const struct config *config,
    const struct templates *templates, h2o_context_t *context, int listen_fd, SSL_CTX *tls,
    struct addresses *addresses, struct metrics *metrics);

/* Sets the context for new connections; open ones keep theirs. Takes ownership of the reference. */
void connections_set_tls(struct connections *connections, SSL_CTX *tls);

/* Accepts the connections in the kernel's queue, then closes the listener. False if the limit leaves some in
 * the queue; call it again then. */
bool connections_stop_accepting(struct connections *connections);

/* Aborts all connections. */
void connections_shut_down(struct connections *connections);

/* Must be called after each iteration of the loop, which may wait for connections_max_wait() milliseconds. */
void connections_run(struct connections *connections);
int32_t connections_max_wait(const struct connections *connections);

/* count must be 0. */
void connections_dispose(struct connections *connections);

#endif
