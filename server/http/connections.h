#ifndef ACCOUNTSD_CONNECTIONS_H
#define ACCOUNTSD_CONNECTIONS_H

/* The client connections of one worker: accepts them, up to a limit, in slots that are allocated at the
 * start, and lets their deadlines pass. All on the worker's thread. */

#include <h2o.h>
#include <stdbool.h>

#include "base/config.h"
#include "http/address.h"
#include "http/connection.h"
#include "telemetry/metrics.h"
#include "words/template.h"

/* Private but for count. */
struct connections {
    struct connection_shared shared;
    /* NULL once it is closed. */
    h2o_socket_t *listener;
    /* The first touched slots have been in use; those that are free again are in a list. */
    struct connection *slots, *free;
    size_t touched;
    size_t count, max_count;
    /* NULL where addresses are not counted. */
    struct addresses *addresses;
};

/* Accepts from listen_fd, which it takes over, for the hosts of the context's configuration. tls: NULL for
 * clear text; connection_watch_alerts has been called for it. addresses, NULL where they are not counted, are
 * shared by all workers. config, templates, addresses and metrics must outlive it. False when memory ran
 * out. */
bool connections_init(struct connections *connections, const struct config *config,
    const struct templates *templates, h2o_context_t *context, int listen_fd, SSL_CTX *tls,
    struct addresses *addresses, struct metrics *metrics);

/* Later connections use this context, open ones keep theirs. Takes over the reference. */
void connections_set_tls(struct connections *connections, SSL_CTX *tls);

/* Accepts what is in the kernel's queue, then closes the listener. False where the limit leaves connections
 * in the queue: to be called again. */
bool connections_stop_accepting(struct connections *connections);

/* Cuts all connections, whatever they do. */
void connections_shut_down(struct connections *connections);

/* To be called after each turn of the loop, which may wait for connections_max_wait() milliseconds. */
void connections_run(struct connections *connections);
int32_t connections_max_wait(const struct connections *connections);

/* Once count is 0. */
void connections_dispose(struct connections *connections);

#endif
