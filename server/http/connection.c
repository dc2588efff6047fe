#include "http/connection.h"

#include <h2o/http1.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/problem.h"
#include "http/refusal.h"
#include "http/request_head.h"

static void enter(struct connection *connection, enum connection_state state)
{
    static const enum deadline_kind deadlines[] = {
        [CONNECTION_IDLE] = DEADLINE_REQUEST,
        [CONNECTION_ARRIVING] = DEADLINE_REQUEST,
        [CONNECTION_WORKING] = DEADLINE_KINDS,
        [CONNECTION_SENDING] = DEADLINE_RESPONSE,
        [CONNECTION_REFUSED] = DEADLINE_CLOSE,
        [CONNECTION_LINGERING] = DEADLINE_CLOSE,
    };

    connection->state = state;
    deadlines_enter(&connection->shared->deadlines, &connection->deadline, deadlines[state]);
}

static void on_close(void *data);

static void on_linger_read(h2o_socket_t *socket, const char *error)
{
    if (error != NULL)
        h2o_socket_close(socket);
    else
        h2o_buffer_consume(&socket->input, socket->input->size);
}

/* Discards input until the client closes its side or the deadline passes (RFC 9112, section 9.6): closing
 * with unread bytes would reset the connection, and the client might lose the response. */
static void linger(struct connection *connection)
{
    h2o_socket_t *socket = h2o_evloop_socket_create(
        connection->shared->context->loop, connection->spare_fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);

    shutdown(connection->spare_fd, SHUT_WR);
    connection->spare_fd = -1;
    connection->socket = socket;
    enter(connection, CONNECTION_LINGERING);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    h2o_socket_read_start(socket, on_linger_read);
}

static void on_close(void *data)
{
    struct connection *connection = data;

    if (h2o_linklist_is_linked(&connection->alert))
        h2o_linklist_unlink(&connection->alert);
    if (connection->spare_fd >= 0) {
        linger(connection);
        return;
    }
    deadline_leave(&connection->deadline);
    SSL_CTX_free(connection->tls);
    free(connection->refusal);
    connection->socket = NULL;
    connection->shared->on_close(connection->shared, connection);
}

void connection_abort(struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

/* Closes the connection, but lets libh2o answer a request that has arrived meanwhile. */
static void end(struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
}

/* Closes with a reset; otherwise a client that keeps sending would wait for the receive window to open. */
static void reset(struct connection *connection)
{
    struct linger none = {.l_onoff = 1};

    setsockopt(h2o_socket_get_fd(connection->socket), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    h2o_socket_close(connection->socket);
}

/* Closes without letting libh2o read the rest of the request, which it would process. */
static void close_refused(struct connection *connection)
{
    if (connection->req != NULL) {
        connection->req->http1_is_persistent = 0;
        connection->on_write(connection->socket, NULL);
    } else if (connection->is_started) {
        connection->on_read(connection->socket, h2o_socket_error_closed);
    } else {
        h2o_socket_close(connection->socket);
    }
}

static void on_refusal_sent(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (error == NULL)
        connection->spare_fd = dup(h2o_socket_get_fd(socket));
    close_refused(connection);
}

/* Answers a request that is not passed to libh2o; it begins at offset at of the input. */
static void refuse(struct connection *connection, size_t at, int status, const char *detail)
{
    const struct connection_shared *shared = connection->shared;
    h2o_socket_t *socket = connection->socket;
    /* A pipelined request arrived while the previous one was answered. */
    uint64_t duration_us = connection->req != NULL ? 0 : clock_now_us() - connection->deadline.since;
    struct refusal refusal = {
        .status = status,
        .detail = detail,
        .input = socket->input->bytes + at,
        .input_len = socket->input->size - at,
        .pages = shared->config->invitation_page != 0 ? shared->templates : NULL,
    };
    h2o_iovec_t text;

    text.base = connection->refusal = refusal_render(&refusal, &text.len);
    enter(connection, CONNECTION_REFUSED);
    if (text.base == NULL) {
        close_refused(connection);
        return;
    }
    metrics_observe_request(
        shared->metrics, METRICS_NO_PATH, refusal.method, refusal.method_len, status, duration_us);
    log_request(&(struct log_request){
        .traceparent = refusal.trace.parent,
        .method = metrics_method(refusal.method, refusal.method_len),
        .route = "",
        .token_id = "",
        .status = status,
        .duration_us = (long)duration_us,
        .bytes = refusal.body_len,
    });
    h2o_socket_read_stop(socket);
    h2o_socket_write(socket, &text, 1, on_refusal_sent);
}

/* Whether the request whose head begins at offset at of the input may be passed to libh2o. If not, the head
 * is incomplete or the request was refused. */
static bool take_head(struct connection *connection, size_t at)
{
    const char *bytes = connection->socket->input->bytes + at, *reason;
    size_t len = connection->socket->input->size - at,
           max_len = (size_t)connection->shared->config->max_head_size;
    enum request_head_verdict verdict = REQUEST_HEAD_INCOMPLETE;
    struct request_head head;

    if (connection->seen == 0 || len > max_len || request_head_has_end(bytes, len, connection->seen))
        verdict = request_head_check(bytes, len, max_len, &head, &reason);
    switch (verdict) {
    case REQUEST_HEAD_OK:
        if (head.content_length > connection->shared->context->globalconf->max_request_entity_size) {
            refuse(connection, at, 413, NULL);
            return false;
        }
        connection->seen = 0;
        connection->taken = head.len + head.content_length;
        return true;
    case REQUEST_HEAD_INCOMPLETE:
        connection->seen = len;
        return false;
    default:
        refuse(connection, at, request_head_status(verdict), reason);
        return false;
    }
}

static enum connection_state state_of(const struct connection *connection)
{
    const h2o_socket_t *socket = connection->socket;

    if (connection->state == CONNECTION_REFUSED || connection->state == CONNECTION_LINGERING)
        return connection->state;
    if (connection->req != NULL)
        return CONNECTION_SENDING;
    if (socket->_cb.read == NULL && socket->_cb.write == NULL)
        return CONNECTION_WORKING;
    return socket->input->size > 0 ? CONNECTION_ARRIVING : CONNECTION_IDLE;
}

static size_t input_max(const struct config *config)
{
    return (size_t)(config->max_head_size + config->max_body_size);
}

static void on_read(h2o_socket_t *socket, const char *error);
static void on_written(h2o_socket_t *socket, const char *error);

/* Must be called after libh2o has run: replaces the callbacks that it has set by those of this module, and
 * notes whether it waits for the rest of a request. */
static void hook(struct connection *connection)
{
    h2o_socket_t *socket = connection->socket;

    if (socket->_cb.write != NULL && socket->_cb.write != on_written) {
        connection->on_write = socket->_cb.write;
        socket->_cb.write = on_written;
    }
    if (socket->_cb.read == NULL)
        return;
    if (socket->_cb.read != on_read) {
        connection->on_read = socket->_cb.read;
        socket->_cb.read = on_read;
    }
    if (connection->state == CONNECTION_IDLE && socket->input->size > 0)
        enter(connection, CONNECTION_ARRIVING);
    /* libh2o would go on buffering. */
    if (socket->_cb.write == NULL && socket->input->size > input_max(connection->shared->config))
        refuse(connection, 0, 413, NULL);
}

/* Calls hook unless libh2o has closed the socket or the request was refused. */
static void hook_open(struct connection *connection, const h2o_socket_t *socket)
{
    if (connection->socket == socket && connection->state != CONNECTION_REFUSED)
        hook(connection);
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (error != NULL || !connection->is_started || connection->taken > 0 || take_head(connection, 0)) {
        socket->_cb.read = connection->on_read;
        connection->on_read(socket, error);
    }
    hook_open(connection, socket);
}

/* False if the next pipelined request was refused; libh2o must then not run, because it would process it. */
static bool end_response(struct connection *connection, const char *error)
{
    h2o_req_t *req = connection->req;
    size_t at = connection->taken;

    if (error != NULL) {
        req->http1_is_persistent = 0;
        req->res.status = PROBLEM_ABORTED;
    } else if (!req->http1_is_persistent) {
        connection->spare_fd = dup(h2o_socket_get_fd(connection->socket));
    } else {
        connection->taken = 0;
        if (connection->socket->input->size > at && !take_head(connection, at) &&
            connection->state == CONNECTION_REFUSED)
            return false;
    }
    connection->req = NULL;
    /* The next request has its own timeout. */
    enter(connection, CONNECTION_IDLE);
    return true;
}

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (connection->req != NULL && !end_response(connection, error))
        return;
    connection->on_write(socket, error);
    hook_open(connection, socket);
}

/* libh2o closes an aborted connection in a later iteration of the loop; the new timeout is for the case that
 * it does not. */
void connection_expire(struct deadline *deadline)
{
    struct connection *connection = H2O_STRUCT_FROM_MEMBER(struct connection, deadline, deadline);
    /* libh2o itself is writing: a handshake, a 100 or a close_notify. */
    bool is_writing = connection->socket->_cb.write != NULL;
    enum connection_state state = state_of(connection);

    if (state == CONNECTION_WORKING) {
        enter(connection, CONNECTION_WORKING);
    } else if (state == CONNECTION_ARRIVING && !is_writing) {
        refuse(connection, 0, 408, NULL);
    } else if (state == CONNECTION_LINGERING) {
        reset(connection);
    } else {
        enter(connection, state);
        if (state == CONNECTION_IDLE && !is_writing)
            end(connection);
        else
            connection_abort(connection);
    }
}

/* Called after the handshake, if any. */
static void start(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;
    struct connection_shared *shared = connection->shared;

    if (error != NULL) {
        h2o_socket_close(socket);
        return;
    }
    /* libh2o processes input that has arrived at once. */
    if (socket->input->size > 0 && !take_head(connection, 0) && connection->state == CONNECTION_REFUSED)
        return;
    connection->is_started = true;
    h2o_http1_accept(&shared->accept, socket, *h2o_get_timestamp(shared->context, NULL, NULL));
}

void connection_open(struct connection *connection, struct connection_shared *shared, h2o_socket_t *socket,
    struct address *address)
{
    *connection = (struct connection){
        .shared = shared,
        .socket = socket,
        .address = address,
        .tls = shared->accept.ssl_ctx,
        .spare_fd = -1,
    };
    enter(connection, CONNECTION_IDLE);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    if (connection->tls != NULL) {
        SSL_CTX_up_ref(connection->tls);
        h2o_socket_ssl_handshake(socket, connection->tls, NULL, start);
    } else {
        start(socket, NULL);
    }
    hook_open(connection, socket);
}

/* After an alert, which is a close_notify or an error, the client sends nothing more. OpenSSL then returns 0,
 * which libh2o takes for "no data yet": it would go on reading and buffering. */
static void on_tls_event(const SSL *ssl, int event, int value)
{
    h2o_socket_t *socket = BIO_get_data(SSL_get_rbio(ssl));
    struct connection *connection = socket->on_close.data;

    (void)value;
    if (event != SSL_CB_READ_ALERT || h2o_linklist_is_linked(&connection->alert))
        return;
    h2o_socket_dont_read(socket, 1);
    h2o_linklist_insert(&connection->shared->alerted, &connection->alert);
}

void connection_watch_alerts(SSL_CTX *tls)
{
    SSL_CTX_set_info_callback(tls, on_tls_event);
}

/* Requests sent before the alert are answered first: libh2o sets the read callback only after that. */
void connection_close_alerted(struct connection_shared *shared)
{
    for (h2o_linklist_t *node = shared->alerted.next, *next; node != &shared->alerted; node = next) {
        h2o_socket_t *socket = H2O_STRUCT_FROM_MEMBER(struct connection, alert, node)->socket;

        next = node->next;
        if (socket->_cb.read != NULL)
            socket->_cb.read(socket, h2o_socket_error_closed);
    }
}

static struct connection *connection_of(const h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

void connection_watch_response(h2o_req_t *req)
{
    struct connection *connection = connection_of(req);

    /* libh2o has not written yet: it calls back only from the loop. */
    connection->req = req;
    enter(connection, CONNECTION_SENDING);
    hook(connection);
}

struct address *connection_address(const h2o_req_t *req)
{
    return connection_of(req)->address;
}
