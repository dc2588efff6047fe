#ifndef ACCOUNTSD_CONNECTION_H
#define ACCOUNTSD_CONNECTION_H

/* The client connections of one worker: lets them in, up to a cap, and ends those that keep it waiting: idle
 * ones, those whose request does not arrive whole in time, those that do not take their response. libh2o has
 * one deadline over idleness and request, and no answer to it, by a clock that may be set; ours go by one
 * that only goes forward. All on the worker's thread. */

#include <h2o.h>
#include <stdbool.h>

#include "base/config.h"
#include "http/address.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct connection;

/* A request, and an idle wait for it; a response; the end of a connection that has been refused or closed. */
enum connection_deadline { DEADLINE_REQUEST, DEADLINE_RESPONSE, DEADLINE_REFUSAL, DEADLINES };

/* The connections whose deadline is of a kind, the first one first. */
struct connection_deadlines {
    h2o_linklist_t connections;
    uint64_t timeout_us;
};

/* Private but for count. */
struct connections {
    const struct config *config;
    const struct templates *templates;
    h2o_context_t *context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;
    struct connection_deadlines deadlines[DEADLINES];
    /* Those whose client has said over TLS that it sends no more. */
    h2o_linklist_t ending;
    /* Room for all there may be, so that letting one in needs no memory: the first touched slots have been in
     * use, those that no longer are hang together in unused. */
    struct connection *slots, *unused;
    size_t touched;
    size_t count, max_count;
    /* NULL where addresses are not counted. */
    struct addresses *addresses;
    struct metrics *metrics;
};

/* To be called, before any connection has it, with each context that the connections are to have. */
void connections_prepare_tls(SSL_CTX *tls);

/* Accepts from listen_fd, which it takes over, for the hosts of the context's configuration. tls: NULL for
 * clear text. addresses, NULL where they are not counted, are those of all workers. config, templates,
 * addresses and metrics must outlive it. False when memory ran out. */
bool connections_init(struct connections *connections, const struct config *config,
    const struct templates *templates, h2o_context_t *context, int listen_fd, SSL_CTX *tls,
    struct addresses *addresses, struct metrics *metrics);

/* Connections that come from now on get this context, those that are there keep theirs. Takes over the
 * reference. */
void connections_set_tls(struct connections *connections, SSL_CTX *tls);

/* Lets in who is in the kernel's queue, and nobody after that. False where the cap leaves some in it: to be
 * called again. */
bool connections_stop_accepting(struct connections *connections);

/* Right after the response to req has been given to libh2o: if it does not reach the client, the connection
 * ends, and the status of req becomes PROBLEM_ABORTED. libh2o would run all requests that the client had sent
 * meanwhile. Where the response is the connection's last, the client may still be sending; what comes is
 * thrown away, so that the response reaches it. */
void connection_watch_response(h2o_req_t *req);

/* Of the client that has sent req; NULL where it is not counted. */
struct address *connection_address(const h2o_req_t *req);

/* Ends all connections, whatever they do: the clients see it, and so does libh2o once the loop runs. */
void connections_shut_down(struct connections *connections);

/* To be called after each turn of the loop, which may wait for as long as connections_max_wait says, in
 * milliseconds. */
void connections_run(struct connections *connections);
int32_t connections_max_wait(const struct connections *connections);

/* Once count is 0. */
void connections_dispose(struct connections *connections);

#endif
