#include "connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "problem.h"
#include "trace.h"
#include "wire.h"

/* Accepted in one go before the connections that are there get their turn. */
#define MAX_ACCEPTS 16
/* How often a connection is looked at while its deadline runs. */
#define LOOKS_PER_TIMEOUT 10
/* And how seldom at most. */
#define MAX_LOOK_INTERVAL_MS 1000
/* How many are looked at in a row: what they are answered or cut for holds up the others. */
#define MAX_LOOKS 32
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
    /* In open, or in unused. */
    union {
        h2o_linklist_t link;
        struct connection *next;
    };
    struct connections *owner;
    h2o_socket_t *socket;
    /* libh2o keeps no reference of its own before the client has spoken. */
    SSL_CTX *tls;
    /* In ending, or in no list. */
    h2o_linklist_t end;
    /* As of the last look, or the last response; and metrics_now() of then. */
    enum state state;
    uint64_t since;
    /* An answer in libh2o's place, and libh2o's callback while it is on its way. */
    char *refusal;
    h2o_socket_cb on_read;
    /* The request whose response is on its way, or NULL, and libh2o's callback for that. */
    h2o_req_t *req;
    h2o_socket_cb on_write;
    /* The client may still be sending when that response has left. */
    bool is_early;
    /* A second descriptor of the socket, with which the connection outlives libh2o's; or -1. */
    int spare_fd;
};

static void on_accept(h2o_socket_t *listener, const char *error);

static void show_count(struct connections *connections)
{
    metrics_set(connections->metrics, METRICS_CLIENT_CONNECTIONS, connections->count);
}

static void enter(struct connection *connection, enum state state)
{
    connection->state = state;
    connection->since = metrics_now();
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
    h2o_linklist_unlink(&connection->link);
    SSL_CTX_free(connection->tls);
    free(connection->refusal);
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
    connection->on_read(connection->socket, h2o_socket_error_closed);
}

static void on_refusal_sent(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (error == NULL)
        connection->spare_fd = dup(h2o_socket_get_fd(socket));
    close_refused(connection);
}

/* The trace of a request that libh2o has not read, as far as it has come. */
static void start_trace(const h2o_socket_t *socket, struct trace *trace)
{
    const char *value;
    size_t len;

    if (!wire_find_field(socket->input->bytes, socket->input->size, "traceparent", &value, &len) ||
        !trace_parse(value, len, trace))
        trace_make(trace);
}

/* Answers in libh2o's place, which is still reading and knows no request. */
static void refuse(struct connection *connection, int status)
{
    h2o_socket_t *socket = connection->socket;
    bool is_head = socket->input->size >= 5 && memcmp(socket->input->bytes, "HEAD ", 5) == 0;
    struct problem problem = {.status = status};
    struct trace trace;
    size_t body_len = 0;
    char *body;
    h2o_iovec_t text;
    uint64_t duration_us = metrics_now() - connection->since;
    int len = -1;

    start_trace(socket, &trace);
    if ((body = problem_render(&problem, trace.parent, &body_len)) != NULL)
        len = asprintf(&connection->refusal,
            "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\ncontent-type: " PROBLEM_MEDIA_TYPE
            "\r\ncache-control: no-store\r\n\r\n%s",
            status, problem_title(status), body_len, is_head ? "" : body);
    free(body);
    connection->on_read = socket->_cb.read;
    enter(connection, REFUSED);
    if (len < 0) {
        connection->refusal = NULL;
        close_refused(connection);
        return;
    }
    h2o_socket_read_stop(socket);
    text = h2o_iovec_init(connection->refusal, (size_t)len);
    h2o_socket_write(socket, &text, 1, on_refusal_sent);
    metrics_observe_request(connection->owner->metrics, NULL, "", 0, status, duration_us);
    log_request(&(struct log_request){
        .trace_id = trace_id(&trace),
        .trace_id_len = TRACE_ID_LEN,
        .method = metrics_method("", 0),
        .route = "",
        .token_id = "",
        .status = status,
        .duration_us = (long)duration_us,
        .bytes = is_head ? 0 : body_len,
    });
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

static bool has_head(const h2o_socket_t *socket)
{
    return memmem(socket->input->bytes, socket->input->size, "\r\n\r\n", 4) != NULL;
}

/* In milliseconds. */
static uint64_t timeout_of(const struct config *config, enum state state)
{
    switch (state) {
    case IDLE:
    case ARRIVING:
        return (uint64_t)config->request_timeout;
    case SENDING:
        return (uint64_t)config->response_timeout;
    case REFUSED:
    case LINGERING:
        return REFUSAL_TIMEOUT_MS;
    case WORKING:
        break;
    }
    return UINT64_MAX / 1000;
}

static void give_up(struct connection *connection)
{
    /* What libh2o writes by itself: its part of a handshake, a 100, an end. */
    bool is_writing = connection->socket->_cb.write != NULL;

    if (connection->state == IDLE && !is_writing)
        end(connection);
    else if (connection->state == ARRIVING && !is_writing)
        refuse(connection, 408);
    else if (connection->state == LINGERING)
        reset(connection);
    else
        cut(connection);
}

static void look_at(struct connection *connection, uint64_t now)
{
    const struct config *config = connection->owner->config;
    const h2o_socket_t *socket = connection->socket;
    enum state state = state_of(connection);

    if (state != connection->state)
        enter(connection, state);
    else if (now - connection->since >= timeout_of(config, state) * 1000)
        give_up(connection);
    else if (state == ARRIVING && socket->_cb.write == NULL && socket->input->size > input_max(config))
        /* libh2o would take more, and keep it. */
        refuse(connection, has_head(socket) ? 413 : 431);
}

/* In milliseconds. */
static uint64_t look_interval(const struct connections *connections)
{
    uint64_t interval = (uint64_t)connections->config->request_timeout / LOOKS_PER_TIMEOUT;

    return interval < MAX_LOOK_INTERVAL_MS ? interval : MAX_LOOK_INTERVAL_MS;
}

/* At each in its turn, so that the work is spread over the interval. */
static void look_around(struct connections *connections)
{
    uint64_t now = metrics_now(), interval_us = look_interval(connections) * 1000,
             due = connections->count * (now - connections->looked_at) / interval_us;

    if (due == 0)
        return;
    connections->looked_at = now;
    if (due > connections->count)
        due = connections->count;
    for (; due > 0 && !h2o_linklist_is_empty(&connections->open); due--) {
        h2o_linklist_t *node = connections->open.next;

        h2o_linklist_unlink(node);
        h2o_linklist_insert(&connections->open, node);
        /* Which may close the connection. */
        look_at(H2O_STRUCT_FROM_MEMBER(struct connection, link, node), now);
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
    look_around(connections);
}

int32_t connections_max_wait(const struct connections *connections)
{
    return (int32_t)(look_interval(connections) / (1 + connections->count / MAX_LOOKS)) + 1;
}

static void take(struct connections *connections, h2o_socket_t *socket)
{
    struct connection *connection = connections->unused;

    if (connection != NULL)
        connections->unused = connection->next;
    else
        connection = &connections->slots[connections->touched++];
    memset(connection, 0, sizeof(*connection));
    connection->owner = connections;
    connection->socket = socket;
    connection->spare_fd = -1;
    enter(connection, IDLE);
    if ((connection->tls = connections->accept.ssl_ctx) != NULL)
        SSL_CTX_up_ref(connection->tls);
    h2o_linklist_insert(&connections->open, &connection->link);
    connections->count++;
    show_count(connections);
    metrics_add(connections->metrics, METRICS_CLIENT_CONNECTIONS_ACCEPTED, 1);
    socket->on_close.cb = on_close;
    socket->on_close.data = connection;
    h2o_accept(&connections->accept, socket);
}

/* At the cap the listener rests, and clients wait in the kernel's queue until a connection closes. */
static void accept_connections(struct connections *connections, size_t max)
{
    h2o_socket_t *socket;

    while (max-- > 0) {
        if (connections->count >= connections->max_count) {
            h2o_socket_read_stop(connections->listener);
            return;
        }
        if ((socket = h2o_evloop_socket_accept(connections->listener)) == NULL)
            return;
        take(connections, socket);
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

bool connections_init(struct connections *connections, const struct config *config, h2o_context_t *context,
    int listen_fd, SSL_CTX *tls, struct metrics *metrics)
{
    memset(connections, 0, sizeof(*connections));
    connections->config = config;
    connections->context = context;
    connections->accept.ctx = context;
    connections->accept.hosts = context->globalconf->hosts;
    connections->max_count = (size_t)((config->max_connections + config->workers - 1) / config->workers);
    connections->metrics = metrics;
    if ((connections->slots = calloc(connections->max_count, sizeof(*connections->slots))) == NULL)
        return false;
    metrics_set(metrics, METRICS_CLIENT_CONNECTIONS_MAX, connections->max_count);
    h2o_linklist_init_anchor(&connections->open);
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

static void on_response_sent(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->on_close.data;

    if (error != NULL)
        connection->req->http1_is_persistent = 0;
    else if (connection->is_early)
        connection->spare_fd = dup(h2o_socket_get_fd(socket));
    connection->req = NULL;
    /* The next request has a time of its own. */
    enter(connection, IDLE);
    connection->on_write(socket, error);
}

void connection_watch_response(h2o_req_t *req, bool is_early)
{
    h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);
    struct connection *connection = socket->on_close.data;

    /* libh2o calls back from the loop, never at once. */
    connection->req = req;
    connection->is_early = is_early;
    connection->on_write = socket->_cb.write;
    socket->_cb.write = on_response_sent;
}

void connections_shut_down(struct connections *connections)
{
    if (connections->listener != NULL)
        close_listener(connections);
    for (h2o_linklist_t *node = connections->open.next; node != &connections->open; node = node->next)
        shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(struct connection, link, node)->socket), SHUT_RDWR);
}

void connections_dispose(struct connections *connections)
{
    SSL_CTX_free(connections->accept.ssl_ctx);
    free(connections->slots);
}
