#include "http/connections.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* The most connections that are accepted before open ones are served. */
#define MAX_ACCEPTS 16
/* The most deadlines that are handled in one iteration of the loop, and the wait before the next: handling
 * all of them at once would delay other connections and threads. */
#define MAX_EXPIRED 16
#define EXPIRED_DELAY_MS 1
/* The time to send an early refusal, and for which input after a last response is discarded. */
#define CLOSE_TIMEOUT_MS 2000

static void on_accept(h2o_socket_t *listener, const char *error);

static void update_count_metric(const struct connections *connections)
{
    metrics_set(connections->shared.metrics, METRICS_CLIENT_CONNECTIONS, connections->count);
}

static void on_close(struct connection_shared *shared, struct connection *connection)
{
    struct connections *connections = H2O_STRUCT_FROM_MEMBER(struct connections, shared, shared);

    addresses_leave(connections->addresses, connection->address);
    connection->next = connections->free;
    connections->free = connection;
    connections->count--;
    update_count_metric(connections);
    if (connections->listener != NULL && !h2o_socket_is_reading(connections->listener))
        h2o_socket_read_start(connections->listener, on_accept);
}

static void take(struct connections *connections, h2o_socket_t *socket, struct address *address)
{
    struct connection *connection = connections->free;

    if (connection != NULL)
        connections->free = connection->next;
    else
        connection = &connections->slots[connections->touched++];
    connections->count++;
    update_count_metric(connections);
    metrics_add(connections->shared.metrics, METRICS_CLIENT_CONNECTIONS_ACCEPTED, 1);
    connection_open(connection, &connections->shared, socket, address);
}

/* False if the client's address has as many connections as are allowed. */
static bool count_address(struct connections *connections, h2o_socket_t *socket, struct address **address)
{
    const long max = connections->shared.config->max_connections_per_address;
    struct sockaddr_storage peer;

    *address = NULL;
    if (connections->addresses == NULL || h2o_socket_getpeername(socket, (struct sockaddr *)&peer) == 0)
        return true;
    return addresses_enter(
        connections->addresses, (struct sockaddr *)&peer, max > 0 ? (size_t)max : SIZE_MAX, address);
}

/* At the limit the listener stops accepting, and clients wait in its backlog until a connection closes. */
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
            metrics_add(connections->shared.metrics, METRICS_CLIENT_CONNECTIONS_REFUSED, 1);
            h2o_socket_close(socket);
        }
    }
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    if (error == NULL)
        accept_connections(listener->data, MAX_ACCEPTS);
}

void connections_init(struct connections *connections, const struct config *config,
    const struct templates *templates, h2o_context_t *context, int listen_fd, SSL_CTX *tls,
    struct addresses *addresses, struct metrics *metrics)
{
    struct connection_shared *shared = &connections->shared;

    *connections = (struct connections){
        .shared = {.config = config,
            .templates = templates,
            .metrics = metrics,
            .context = context,
            .accept = {.ctx = context, .hosts = context->globalconf->hosts, .ssl_ctx = tls},
            .on_close = on_close},
        .max_count = (size_t)((config->max_connections + config->workers - 1) / config->workers),
        .addresses = addresses,
    };
    connections->slots = memory_require(calloc(connections->max_count, sizeof(*connections->slots)));
    metrics_set(metrics, METRICS_CLIENT_CONNECTIONS_MAX, connections->max_count);
    deadlines_init(&shared->deadlines);
    shared->deadlines.timeout_us[DEADLINE_REQUEST] = (uint64_t)config->request_timeout * 1000;
    shared->deadlines.timeout_us[DEADLINE_RESPONSE] = (uint64_t)config->response_timeout * 1000;
    shared->deadlines.timeout_us[DEADLINE_CLOSE] = CLOSE_TIMEOUT_MS * 1000UL;
    h2o_linklist_init_anchor(&shared->alerted);
    if (tls != NULL)
        SSL_CTX_up_ref(tls);
    connections->listener = h2o_evloop_socket_create(context->loop, listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    connections->listener->data = connections;
    h2o_socket_read_start(connections->listener, on_accept);
}

void connections_set_tls(struct connections *connections, SSL_CTX *tls)
{
    SSL_CTX_free(connections->shared.accept.ssl_ctx);
    connections->shared.accept.ssl_ctx = tls;
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

void connections_shut_down(struct connections *connections)
{
    if (connections->listener != NULL)
        close_listener(connections);
    for (size_t i = 0; i < connections->touched; i++) {
        if (connections->slots[i].socket != NULL)
            connection_abort(&connections->slots[i]);
    }
}

void connections_run(struct connections *connections)
{
    uint64_t now;
    struct deadline *passed;

    connection_close_alerted(&connections->shared);
    now = clock_now_us();
    for (size_t i = 0; i < MAX_EXPIRED; i++) {
        if ((passed = deadlines_find_passed(&connections->shared.deadlines, now)) == NULL)
            break;
        connection_expire(passed);
    }
}

int32_t connections_max_wait(const struct connections *connections)
{
    return deadlines_max_wait(&connections->shared.deadlines, EXPIRED_DELAY_MS);
}

void connections_dispose(struct connections *connections)
{
    SSL_CTX_free(connections->shared.accept.ssl_ctx);
    free(connections->slots);
}
