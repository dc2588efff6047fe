#include "http/connection.h"

#include <h2o/http1.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/problem.h"
#include "http/refusal.h"
#include "http/request_head.h"

/* Accepted in one go before the connections that are there get their turn. */
#define MAX_ACCEPTS 16
/* How many deadlines may pass in one turn of the loop, and how long others have the loop and the processor
 * before the next: what is due for them holds up the others. */
#define MAX_EXPIRED 16
#define EXPIRED_PAUSE_MS 1
/* How long an answer in libh2o's place may take to leave; and for how long after an answer the client may go
 * on sending what is thrown away. */
#define REFUSAL_TIMEOUT_MS 2000

enum state {
    IDLE,
    /* A part of a request is there. */
    ARRIVING,
    /* It is with the handler, or with the database. */
    WORKING,
    SENDING,
    /* It is answered in libh2o's place. */
    REFUSED,
    /* libh2o has closed it; the client may not know yet. */
    LINGERING,
};

struct connection {
    /* In the list of its deadline or in none, or in unused. */
    union {
        h2o_linklist_t link;
        struct connection *next;
    };
    struct connections *owner;
    /* NULL where the slot is not in use. */
    h2o_socket_t *socket;
    /* NULL where it is not counted. */
    struct address *address;
    /* libh2o keeps no reference of its own before the client has spoken. */
    SSL_CTX *tls;
    /* In ending, or in no list. */
    h2o_linklist_t end;
    /* WORKING is noticed at the deadline only; and clock_now_us() of when the state began. */
    enum state state;
    uint64_t since;
    /* libh2o's own callbacks, in whose place ours are. */
    h2o_socket_cb on_read, on_write;
    /* libh2o reads requests: there is no handshake, or no more. */
    bool is_started;
    /* Of the head that is to come, how many bytes are known to have no end of it; and how many bytes of the
     * input are the request that libh2o has got, 0 where it has none. */
    size_t seen, taken;
    /* An answer in libh2o's place, while it is on its way. */
    char *refusal;
    /* The request whose response is on its way, or NULL. */
    h2o_req_t *req;
    /* A second descriptor of the socket, with which the connection outlives libh2o's; or -1. */
    int spare_fd;
};

static void on_accept(h2o_socket_t *listener, const char *error);

static void show_count(struct connections *connections)
{
    metrics_set(connections->metrics, METRICS_CLIENT_CONNECTIONS, connections->count);
}

/* All of a list have the same time, so that the order in which they come is that of their deadlines. */
static void enter(struct connection *connection, enum state state)
{
    static const enum connection_deadline deadlines[] = {
        [IDLE] = DEADLINE_REQUEST,
        [ARRIVING] = DEADLINE_REQUEST,
        [WORKING] = DEADLINES,
        [SENDING] = DEADLINE_RESPONSE,
        [REFUSED] = DEADLINE_REFUSAL,
        [LINGERING] = DEADLINE_REFUSAL,
    };
    struct connections *owner = connection->owner;

    connection->state = state;
    connection->since = clock_now_us();
    if (h2o_linklist_is_linked(&connection->link))
        h2o_linklist_unlink(&connection->link);
    if (deadlines[state] != DEADLINES)
        h2o_linklist_insert(&owner->deadlines[deadlines[state]].connections, &connection->link);
}

static void on_close(void *data);

/* Until the client has closed its side, or time is up. */
static void on_linger_read(h2o_socket_t *socket, const char *error)
{
    if (error != NULL)
        h2o_socket_close(socket);
    else
        h2o_buffer_consume(&socket->input, socket->input->size);
}

/* RFC 9112, section 9.6: closed with bytes unread, or sent bytes later, the kernel resets the connection, and
 * the client may lose the answer. */
static void linger(struct connection *connection)
{
    h2o_socket_t *socket = h2o_evloop_socket_create(
        connection->owner->context->loop, connection->spare_fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);

    shutdown(connection->spare_fd, SHUT_WR);
    connection->spare_fd = -1;
    connection->socket = socket;
    enter(connection, LINGERING);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    h2o_socket_read_start(socket, on_linger_read);
}

static void on_close(void *data)
{
    struct connection *connection = data;
    struct connections *owner = connection->owner;

    if (h2o_linklist_is_linked(&connection->end))
        h2o_linklist_unlink(&connection->end);
    if (connection->spare_fd >= 0) {
        linger(connection);
        return;
    }
    if (h2o_linklist_is_linked(&connection->link))
        h2o_linklist_unlink(&connection->link);
    SSL_CTX_free(connection->tls);
    free(connection->refusal);
    addresses_leave(owner->addresses, connection->address);
    connection->socket = NULL;
    connection->next = owner->unused;
    owner->unused = connection;
    owner->count--;
    show_count(owner);
    if (owner->listener != NULL && !h2o_socket_is_reading(owner->listener))
        h2o_socket_read_start(owner->listener, on_accept);
}

/* libh2o closes it, as if the client had. */
static void cut(struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

/* The same, but that a request that has come meanwhile is answered. */
static void end(struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
}

/* Whoever sends all the time learns it now. Closed without a reset, with its window shut, it would be left
 * waiting for the window. */
static void reset(struct connection *connection)
{
    struct linger none = {.l_onoff = 1};

    setsockopt(h2o_socket_get_fd(connection->socket), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    h2o_socket_close(connection->socket);
}

/* What is still to come of the request is not libh2o's to read: it would run it. */
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

/* Answers in libh2o's place, which knows nothing of the request: what there is of it is at the end of the
 * input. */
static void refuse(struct connection *connection, size_t at, int status, const char *detail)
{
    struct connections *owner = connection->owner;
    h2o_socket_t *socket = connection->socket;
    /* What was sent behind a request has come while that was answered. */
    uint64_t duration_us = connection->req != NULL ? 0 : clock_now_us() - connection->since;
    struct refusal refusal = {
        .status = status,
        .detail = detail,
        .input = socket->input->bytes + at,
        .input_len = socket->input->size - at,
        .pages = owner->config->invitation_page != 0 ? owner->templates : NULL,
    };
    h2o_iovec_t text;

    text.base = connection->refusal = refusal_render(&refusal, &text.len);
    enter(connection, REFUSED);
    if (text.base == NULL) {
        close_refused(connection);
        return;
    }
    metrics_observe_request(
        owner->metrics, METRICS_NO_PATH, refusal.method, refusal.method_len, status, duration_us);
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

/* Whether libh2o may have the request whose head begins at a place of the input. Where it may not, the head
 * is not whole yet, or has been refused. */
static bool take_head(struct connection *connection, size_t at)
{
    const char *bytes = connection->socket->input->bytes + at, *reason;
    size_t len = connection->socket->input->size - at,
           max_len = (size_t)connection->owner->config->max_head_size;
    enum request_head_verdict verdict = REQUEST_HEAD_INCOMPLETE;
    struct request_head head;

    if (connection->seen == 0 || len > max_len || request_head_has_end(bytes, len, connection->seen))
        verdict = request_head_check(bytes, len, max_len, &head, &reason);
    switch (verdict) {
    case REQUEST_HEAD_OK:
        if (head.content_length > connection->owner->context->globalconf->max_request_entity_size) {
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

static enum state state_of(const struct connection *connection)
{
    const h2o_socket_t *socket = connection->socket;

    if (connection->state == REFUSED || connection->state == LINGERING)
        return connection->state;
    if (connection->req != NULL)
        return SENDING;
    if (socket->_cb.read == NULL && socket->_cb.write == NULL)
        return WORKING;
    return socket->input->size > 0 ? ARRIVING : IDLE;
}

static size_t input_max(const struct config *config)
{
    return (size_t)(config->max_head_size + config->max_body_size);
}

static void on_read(h2o_socket_t *socket, const char *error);
static void on_written(h2o_socket_t *socket, const char *error);

/* libh2o has had its turn with a connection that is still open and is not refused: puts our callbacks in
 * place of those that it has set, and notes whether it waits for the rest of a request. */
static void follow(struct connection *connection)
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
    if (connection->state == IDLE && socket->input->size > 0)
        enter(connection, ARRIVING);
    /* libh2o would take more, and keep it. */
    if (socket->_cb.write == NULL && socket->input->size > input_max(connection->owner->config))
        refuse(connection, 0, 413, NULL);
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (error != NULL || !connection->is_started || connection->taken > 0 || take_head(connection, 0)) {
        socket->_cb.read = connection->on_read;
        connection->on_read(socket, error);
    }
    if (connection->socket == socket && connection->state != REFUSED)
        follow(connection);
}

/* False where what the client has sent behind the request is refused: libh2o would go on with it at once. */
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
            connection->state == REFUSED)
            return false;
    }
    connection->req = NULL;
    /* The next request has a time of its own. */
    enter(connection, IDLE);
    return true;
}

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (connection->req != NULL && !end_response(connection, error))
        return;
    connection->on_write(socket, error);
    if (connection->socket == socket && connection->state != REFUSED)
        follow(connection);
}

/* Its time is up. What is cut is closed by libh2o in a later turn; should that not happen, it is cut again.
 */
static void expire(struct connection *connection)
{
    /* What libh2o writes by itself: its part of a handshake, a 100, an end. */
    bool is_writing = connection->socket->_cb.write != NULL;
    enum state state = state_of(connection);

    if (state == WORKING) {
        enter(connection, WORKING);
    } else if (state == ARRIVING && !is_writing) {
        refuse(connection, 0, 408, NULL);
    } else if (state == LINGERING) {
        reset(connection);
    } else {
        enter(connection, state);
        if (state == IDLE && !is_writing)
            end(connection);
        else
            cut(connection);
    }
}

/* clock_now_us() of the first deadline of a list; UINT64_MAX where it has none. */
static uint64_t first_deadline(const struct connection_deadlines *deadlines)
{
    h2o_linklist_t *first = deadlines->connections.next;

    if (first == &deadlines->connections)
        return UINT64_MAX;
    return H2O_STRUCT_FROM_MEMBER(struct connection, link, first)->since + deadlines->timeout_us;
}

static void expire_due(struct connections *connections)
{
    uint64_t now = clock_now_us();
    size_t left = MAX_EXPIRED;

    for (size_t i = 0; i < DEADLINES; i++) {
        struct connection_deadlines *deadlines = &connections->deadlines[i];

        for (; left > 0 && first_deadline(deadlines) <= now; left--)
            expire(H2O_STRUCT_FROM_MEMBER(struct connection, link, deadlines->connections.next));
    }
}

/* What was sent before the alert is answered. Once libh2o waits for more, there is none. */
static void close_ended(struct connections *connections)
{
    for (h2o_linklist_t *node = connections->ending.next, *next; node != &connections->ending; node = next) {
        h2o_socket_t *socket = H2O_STRUCT_FROM_MEMBER(struct connection, end, node)->socket;

        next = node->next;
        if (socket->_cb.read != NULL)
            socket->_cb.read(socket, h2o_socket_error_closed);
    }
}

void connections_run(struct connections *connections)
{
    close_ended(connections);
    expire_due(connections);
}

int32_t connections_max_wait(const struct connections *connections)
{
    uint64_t now = clock_now_us(), first = UINT64_MAX;

    for (size_t i = 0; i < DEADLINES; i++) {
        uint64_t deadline = first_deadline(&connections->deadlines[i]);

        first = deadline < first ? deadline : first;
    }
    if (first <= now)
        return EXPIRED_PAUSE_MS;
    return first - now < INT32_MAX ? (int32_t)((first - now) / 1000) + 1 : INT32_MAX;
}

/* After a handshake, where there is one. */
static void start(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;
    struct connections *owner = connection->owner;

    if (error != NULL) {
        h2o_socket_close(socket);
        return;
    }
    /* libh2o goes on at once with what has come. */
    if (socket->input->size > 0 && !take_head(connection, 0) && connection->state == REFUSED)
        return;
    connection->is_started = true;
    h2o_http1_accept(&owner->accept, socket, *h2o_get_timestamp(owner->context, NULL, NULL));
}

static void take(struct connections *connections, h2o_socket_t *socket, struct address *address)
{
    struct connection *connection = connections->unused;

    if (connection != NULL)
        connections->unused = connection->next;
    else
        connection = &connections->slots[connections->touched++];
    memset(connection, 0, sizeof(*connection));
    connection->owner = connections;
    connection->socket = socket;
    connection->address = address;
    connection->spare_fd = -1;
    enter(connection, IDLE);
    if ((connection->tls = connections->accept.ssl_ctx) != NULL)
        SSL_CTX_up_ref(connection->tls);
    connections->count++;
    show_count(connections);
    metrics_add(connections->metrics, METRICS_CLIENT_CONNECTIONS_ACCEPTED, 1);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    if (connection->tls != NULL)
        h2o_socket_ssl_handshake(socket, connection->tls, NULL, start);
    else
        start(socket, NULL);
    if (connection->socket == socket && connection->state != REFUSED)
        follow(connection);
}

/* False where the client's address has as many connections as it may. */
static bool count_address(struct connections *connections, h2o_socket_t *socket, struct address **address)
{
    const long max = connections->config->max_connections_per_address;
    struct sockaddr_storage peer;

    *address = NULL;
    if (connections->addresses == NULL || h2o_socket_getpeername(socket, (struct sockaddr *)&peer) == 0)
        return true;
    return addresses_enter(
        connections->addresses, (struct sockaddr *)&peer, max > 0 ? (size_t)max : SIZE_MAX, address);
}

/* At the cap the listener rests, and clients wait in the kernel's queue until a connection closes. */
static void accept_connections(struct connections *connections, size_t max)
{
    struct address *address;
    h2o_socket_t *socket;

    while (max-- > 0) {
        if (connections->count >= connections->max_count) {
            h2o_socket_read_stop(connections->listener);
            return;
        }
        if ((socket = h2o_evloop_socket_accept(connections->listener)) == NULL)
            return;
        if (count_address(connections, socket, &address)) {
            take(connections, socket, address);
        } else {
            metrics_add(connections->metrics, METRICS_CLIENT_CONNECTIONS_REFUSED, 1);
            h2o_socket_close(socket);
        }
    }
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    if (error == NULL)
        accept_connections(listener->data, MAX_ACCEPTS);
}

/* An alert is the last that a client says: close_notify, or an error. After it OpenSSL reads nothing and says
 * so with a 0, on which libh2o keeps what it has read of the socket, and reads on. */
static void on_tls_event(const SSL *ssl, int event, int value)
{
    h2o_socket_t *socket = BIO_get_data(SSL_get_rbio(ssl));
    struct connection *connection = socket->on_close.data;

    (void)value;
    if (event != SSL_CB_READ_ALERT || h2o_linklist_is_linked(&connection->end))
        return;
    h2o_socket_dont_read(socket, 1);
    h2o_linklist_insert(&connection->owner->ending, &connection->end);
}

void connections_prepare_tls(SSL_CTX *tls)
{
    SSL_CTX_set_info_callback(tls, on_tls_event);
}

bool connections_init(struct connections *connections, const struct config *config,
    const struct templates *templates, h2o_context_t *context, int listen_fd, SSL_CTX *tls,
    struct addresses *addresses, struct metrics *metrics)
{
    memset(connections, 0, sizeof(*connections));
    connections->config = config;
    connections->templates = templates;
    connections->context = context;
    connections->accept.ctx = context;
    connections->accept.hosts = context->globalconf->hosts;
    connections->max_count = (size_t)((config->max_connections + config->workers - 1) / config->workers);
    connections->addresses = addresses;
    connections->metrics = metrics;
    if ((connections->slots = calloc(connections->max_count, sizeof(*connections->slots))) == NULL)
        return false;
    metrics_set(metrics, METRICS_CLIENT_CONNECTIONS_MAX, connections->max_count);
    for (size_t i = 0; i < DEADLINES; i++)
        h2o_linklist_init_anchor(&connections->deadlines[i].connections);
    connections->deadlines[DEADLINE_REQUEST].timeout_us = (uint64_t)config->request_timeout * 1000;
    connections->deadlines[DEADLINE_RESPONSE].timeout_us = (uint64_t)config->response_timeout * 1000;
    connections->deadlines[DEADLINE_REFUSAL].timeout_us = REFUSAL_TIMEOUT_MS * 1000UL;
    h2o_linklist_init_anchor(&connections->ending);
    if ((connections->accept.ssl_ctx = tls) != NULL)
        SSL_CTX_up_ref(tls);
    connections->listener = h2o_evloop_socket_create(context->loop, listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    connections->listener->data = connections;
    h2o_socket_read_start(connections->listener, on_accept);
    return true;
}

void connections_set_tls(struct connections *connections, SSL_CTX *tls)
{
    SSL_CTX_free(connections->accept.ssl_ctx);
    connections->accept.ssl_ctx = tls;
}

static void close_listener(struct connections *connections)
{
    h2o_socket_read_stop(connections->listener);
    h2o_socket_close(connections->listener);
    connections->listener = NULL;
}

static bool is_queue_empty(h2o_socket_t *listener)
{
    struct pollfd queue = {.fd = h2o_socket_get_fd(listener), .events = POLLIN};

    return poll(&queue, 1, 0) == 0;
}

bool connections_stop_accepting(struct connections *connections)
{
    if (connections->listener == NULL)
        return true;
    accept_connections(connections, SIZE_MAX);
    if (!is_queue_empty(connections->listener))
        return false;
    close_listener(connections);
    return true;
}

void connection_watch_response(h2o_req_t *req)
{
    struct connection *connection = req->conn->callbacks->get_socket(req->conn)->on_close.data;

    /* libh2o calls back from the loop, never at once. */
    connection->req = req;
    enter(connection, SENDING);
    follow(connection);
}

struct address *connection_address(const h2o_req_t *req)
{
    const struct connection *connection = req->conn->callbacks->get_socket(req->conn)->on_close.data;

    return connection->address;
}

void connections_shut_down(struct connections *connections)
{
    if (connections->listener != NULL)
        close_listener(connections);
    for (size_t i = 0; i < connections->touched; i++) {
        if (connections->slots[i].socket != NULL)
            cut(&connections->slots[i]);
    }
}

void connections_dispose(struct connections *connections)
{
    SSL_CTX_free(connections->accept.ssl_ctx);
    free(connections->slots);
}
