#ifndef ACCOUNTSD_CONNECTION_H
#define ACCOUNTSD_CONNECTION_H

/* One client connection: reads each request head before libh2o does (request_head.h), refuses what libh2o may
 * not get, and keeps the deadlines of request, response and close. It puts its own socket callbacks in place
 * of libh2o's, and calls those in turn. All on the worker's thread. */

#include <h2o.h>
#include <stdbool.h>

#include "base/config.h"
#include "http/address.h"
#include "http/deadlines.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct connection;

/* What the connections of one worker have in common. */
struct connection_shared {
    const struct config *config;
    const struct templates *templates;
    struct metrics *metrics;
    h2o_context_t *context;
    h2o_accept_ctx_t accept;
    struct deadlines deadlines;
    /* The connections on which a TLS alert came. */
    h2o_linklist_t alerted;
    /* The connection is closed; its slot is free. */
    void (*on_close)(struct connection_shared *shared, struct connection *connection);
};

enum connection_state {
    CONNECTION_IDLE,
    /* Part of a request has arrived. */
    CONNECTION_ARRIVING,
    /* The request is with the handler or the database. */
    CONNECTION_WORKING,
    CONNECTION_SENDING,
    /* An early refusal is being sent. */
    CONNECTION_REFUSED,
    /* libh2o has closed it; the client may not have received the response yet. */
    CONNECTION_LINGERING,
};

/* Private to connection.c, but for next and what connection_open sets. */
struct connection {
    struct connection_shared *shared;
    /* The next free slot. */
    struct connection *next;
    /* NULL while the slot is free. */
    h2o_socket_t *socket;
    /* NULL where addresses are not counted. */
    struct address *address;
    /* A reference: libh2o keeps none until the client has spoken. */
    SSL_CTX *tls;
    struct deadline deadline;
    /* In the list alerted, or in none. */
    h2o_linklist_t alert;
    /* CONNECTION_WORKING is noticed at a deadline only. */
    enum connection_state state;
    /* libh2o's callbacks, which ours replace. */
    h2o_socket_cb on_read, on_write;
    /* libh2o reads requests: the handshake, if any, is over. */
    bool is_started;
    /* How many bytes of the next head are known not to contain its end; and how many bytes of the input are
     * the request that libh2o has, 0 where it has none. */
    size_t seen, taken;
    /* The text of an early refusal that is being sent. */
    char *refusal;
    /* The request whose response is being sent, or NULL. */
    h2o_req_t *req;
    /* A second descriptor of the socket, which outlives libh2o's; or -1. */
    int spare_fd;
};

/* Opens a connection in a free slot; it takes over the socket. Handshake and requests follow by themselves,
 * and shared->on_close in the end. */
void connection_open(struct connection *connection, struct connection_shared *shared, h2o_socket_t *socket,
    struct address *address);

/* The deadline has passed: answers 408, closes, or gives it another timeout. */
void connection_expire(struct deadline *deadline);

/* Closes at once: the client sees it, and so does libh2o once the loop runs. */
void connection_cut(struct connection *connection);

/* To be called once for each TLS context before a connection uses it. */
void connection_watch_alerts(SSL_CTX *tls);

/* Closes the connections on which an alert came and whose requests are answered. To be called after each turn
 * of the loop. */
void connection_close_alerted(struct connection_shared *shared);

/* To be called right after the response to req was given to libh2o: if it does not reach the client, the
 * connection closes and the status of req becomes PROBLEM_ABORTED. Pipelined requests are checked once it is
 * sent; libh2o would run all of them. Where the response is the connection's last, what the client still
 * sends is discarded, so that the response reaches it. */
void connection_watch_response(h2o_req_t *req);

/* The address of the client that sent req; NULL where addresses are not counted. */
struct address *connection_address(const h2o_req_t *req);

#endif
