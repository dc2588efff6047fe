#ifndef ACCOUNTSD_CONNECTION_H
#define ACCOUNTSD_CONNECTION_H

/* One client connection: checks each request head before libh2o reads it (request_head.h), answers refused
 * requests itself, and enforces the deadlines of request, response and close. It replaces libh2o's socket
 * callbacks by its own, which call libh2o's. All on the worker's thread. */

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
    /* The connections that have received a TLS alert. */
    h2o_linklist_t alerted;
    /* Called when a connection is closed and its slot is free. */
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

/* Private to connection.c, except next and socket. */
struct connection {
    struct connection_shared *shared;
    /* The next free slot. */
    struct connection *next;
    /* NULL while the slot is free. */
    h2o_socket_t *socket;
    /* NULL if addresses are not counted. */
    struct address *address;
    /* A reference, because libh2o holds none until the client has sent something. */
    SSL_CTX *tls;
    struct deadline deadline;
    /* In the list alerted, or in none. */
    h2o_linklist_t alert;
    /* CONNECTION_WORKING is set only when a deadline passes. */
    enum connection_state state;
    /* libh2o's callbacks, which those of this module replace and call. */
    h2o_socket_cb on_read, on_write;
    /* The handshake, if any, is over, and libh2o reads requests. */
    bool is_started;
    /* The number of bytes of the next head that have been searched for its end, and the number of bytes of
     * the request that was passed to libh2o, 0 if none was. */
    size_t seen, taken;
    /* The text of an early refusal that is being sent. */
    char *refusal;
    /* The request whose response is being sent, or NULL. */
    h2o_req_t *req;
    /* A duplicate of the socket's descriptor, which outlives libh2o's, or -1. */
    int spare_fd;
};

/* Opens a connection in a free slot. It takes ownership of the socket and in the end calls on_close. */
void connection_open(struct connection *connection, struct connection_shared *shared, h2o_socket_t *socket,
    struct address *address);

/* Must be called when the deadline has passed: answers 408, closes, or restarts the timeout. */
void connection_expire(struct deadline *deadline);

/* Shuts down both directions at once. libh2o closes the socket when the loop runs. */
void connection_abort(struct connection *connection);

/* Must be called once for each TLS context before a connection uses it. */
void connection_watch_alerts(SSL_CTX *tls);

/* Closes the connections that have received an alert and have no unanswered requests. Must be called after
 * each iteration of the loop. */
void connection_close_alerted(struct connection_shared *shared);

/* Must be called right after the response to req was passed to libh2o. If the response cannot be sent, the
 * connection is closed and the status of req becomes PROBLEM_ABORTED. The next pipelined request is checked
 * when the response has been sent. After the last response of a connection further input is discarded, so
 * that the response reaches the client. */
void connection_watch_response(h2o_req_t *req);

/* The address of the client that sent req; NULL if addresses are not counted. */
struct address *connection_address(const h2o_req_t *req);

#endif
