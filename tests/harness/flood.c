#include "flood.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SILENCE_SECONDS 20
#define READ_SIZE 16384
/* How many answers of each status are recorded for tests/openapi: not all, because checking them would
 * take too long. */
#define RECORDED 100

struct connection {
    const struct server *server;
    int fd;
    bool is_busy;
    size_t index;
    char *request;
    /* The part of the answer received so far. */
    char *bytes;
    size_t len, size;
};

struct run {
    const struct flood *flood;
    int epoll;
    /* The next request to send, the number completed, and the time of the last completion. */
    size_t next, ended;
    time_t ended_at;
    unsigned recorded[600];
    struct connection connections[FLOOD_CONNECTIONS];
};

static void open_connection(struct run *run, struct connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)connection->server->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(connection->fd, 0);
    cr_assert_eq(connect(connection->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    cr_assert_eq(epoll_ctl(run->epoll, EPOLL_CTL_ADD, connection->fd, &event), 0);
    connection->len = 0;
}

static void reopen(struct run *run, struct connection *connection)
{
    close(connection->fd);
    open_connection(run, connection);
}

static void end(struct run *run, struct connection *connection, const struct answer *answer)
{
    if (answer->status > 0 && answer->status < 600 && run->recorded[answer->status]++ < RECORDED)
        record_raw(connection->request, strlen(connection->request), connection->bytes, connection->len);
    free(connection->request);
    connection->request = NULL;
    connection->is_busy = false;
    connection->len = 0;
    run->ended++;
    run->ended_at = time(NULL);
    run->flood->on_answer(run->flood->data, connection->index, answer);
}

static void send_all(const struct connection *connection, const char *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t written = send(connection->fd, bytes + sent, len - sent, MSG_NOSIGNAL);

        /* If the server has closed the connection, reading reports it. */
        if (written <= 0)
            return;
        sent += (size_t)written;
    }
}

/* Gives requests to a free connection until one is in flight. */
static void feed(struct run *run, struct connection *connection)
{
    while (!connection->is_busy && run->next < run->flood->count) {
        enum flood_manner manner = FLOOD_AWAIT;
        const char *bytes;

        connection->index = run->next++;
        connection->is_busy = true;
        bytes = connection->request = run->flood->next(run->flood->data, connection->index, &manner);
        send_all(connection, bytes, manner == FLOOD_SEND_HALF ? strlen(bytes) / 2 : strlen(bytes));
        if (manner != FLOOD_AWAIT) {
            reopen(run, connection);
            end(run, connection, &(struct answer){0});
        }
    }
}

/* Completes the request if its answer is whole; nothing may follow an answer. */
static bool take_answer(struct run *run, struct connection *connection)
{
    char *blank = connection->len > 0 ? strstr(connection->bytes, "\r\n\r\n") : NULL;
    struct answer answer = {0};
    char *length, *persistence;
    size_t head_len, body_len;

    if (blank == NULL)
        return false;
    head_len = (size_t)(blank - connection->bytes) + 4;
    answer.headers = strndup(connection->bytes, head_len);
    length = answer_header(&answer, "content-length");
    body_len = strtoul(length, NULL, 10);
    free(length);
    if (connection->len < head_len + body_len) {
        free(answer.headers);
        return false;
    }
    cr_assert_eq(connection->len, head_len + body_len, "more than an answer: %s", connection->bytes);
    answer.status = strncmp(connection->bytes, "HTTP/1.1 ", 9) == 0 ? atol(connection->bytes + 9) : 0;
    answer.text = strndup(connection->bytes + head_len, body_len);
    if (!run->flood->skips_bodies)
        answer.body = json_loadb(answer.text, body_len, JSON_REJECT_DUPLICATES, NULL);
    persistence = answer_header(&answer, "connection");
    end(run, connection, &answer);
    if (strcasecmp(persistence, "close") == 0)
        reopen(run, connection);
    free(persistence);
    answer_free(&answer);
    return true;
}

static void on_readable(struct run *run, struct connection *connection)
{
    ssize_t got;

    if (connection->size < connection->len + READ_SIZE + 1) {
        connection->size = connection->len + (size_t)2 * READ_SIZE;
        connection->bytes = realloc(connection->bytes, connection->size);
    }
    got = recv(connection->fd, connection->bytes + connection->len, READ_SIZE, MSG_DONTWAIT);
    if (got > 0) {
        connection->len += (size_t)got;
        connection->bytes[connection->len] = '\0';
        take_answer(run, connection);
    } else {
        reopen(run, connection);
        if (connection->is_busy)
            end(run, connection, &(struct answer){0});
    }
    feed(run, connection);
}

void flood_run(const struct flood *flood)
{
    struct run *run = calloc(1, sizeof(*run));

    run->flood = flood;
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    cr_assert_geq(run->epoll, 0);
    for (size_t i = 0; i < FLOOD_CONNECTIONS; i++) {
        run->connections[i].server = flood->servers[i % flood->server_count];
        open_connection(run, &run->connections[i]);
    }
    for (size_t i = 0; i < FLOOD_CONNECTIONS; i++)
        feed(run, &run->connections[i]);
    run->ended_at = time(NULL);
    while (run->ended < flood->count) {
        struct epoll_event events[FLOOD_CONNECTIONS];
        int count = epoll_wait(run->epoll, events, FLOOD_CONNECTIONS, SILENCE_SECONDS * 1000);

        /* By the clock, because idle connections are closed and opened all the time. */
        cr_assert(time(NULL) - run->ended_at < SILENCE_SECONDS, "silence, with %zu of %zu requests answered",
            run->ended, flood->count);
        for (int i = 0; i < count; i++)
            on_readable(run, events[i].data.ptr);
    }
    for (size_t i = 0; i < FLOOD_CONNECTIONS; i++) {
        close(run->connections[i].fd);
        free(run->connections[i].bytes);
    }
    close(run->epoll);
    free(run);
}
