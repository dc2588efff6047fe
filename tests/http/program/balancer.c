#include "balancer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 50
#define COPY_SIZE 16384

struct backend {
    struct server server;
    bool is_used, is_ready;
};

struct balancer {
    int listener, port;
    pthread_t accepting, looking;

    /* Shared by the threads, protected by the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct backend backends[BALANCER_MAX_SERVERS];
    size_t next, carried, untaken;
    bool is_stopping;
};

struct carrying {
    struct balancer *balancer;
    int client;
};

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_geq(fd, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

/* The port of the next ready server, 0 for none. */
static int next_port(struct balancer *balancer)
{
    int port = 0;

    pthread_mutex_lock(&balancer->mutex);
    for (size_t i = 0; i < BALANCER_MAX_SERVERS && port == 0; i++) {
        const struct backend *backend = &balancer->backends[balancer->next++ % BALANCER_MAX_SERVERS];

        if (backend->is_used && backend->is_ready)
            port = backend->server.port;
    }
    pthread_mutex_unlock(&balancer->mutex);
    return port;
}

/* A connection to a server, -1 if none accepts it. */
static int connect_to_any(struct balancer *balancer)
{
    for (size_t i = 0; i < BALANCER_MAX_SERVERS; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        int port = next_port(balancer), fd = new_socket();

        address.sin_port = htons((uint16_t)port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (port != 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            return fd;
        close(fd);
    }
    pthread_mutex_lock(&balancer->mutex);
    balancer->untaken++;
    pthread_mutex_unlock(&balancer->mutex);
    return -1;
}

/* Copies available bytes from one to the other; false at the end, which is passed on. */
static bool carry_some(int from, int to)
{
    char bytes[COPY_SIZE];
    ssize_t got = recv(from, bytes, sizeof(bytes), 0);

    for (ssize_t sent = 0; sent < got;) {
        ssize_t written = send(to, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL);

        if (written <= 0)
            return false;
        sent += written;
    }
    if (got <= 0)
        shutdown(to, SHUT_WR);
    return got > 0;
}

static void carry_all(int client, int server)
{
    struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    size_t open = 2;

    while (open > 0 && poll(ends, 2, -1) > 0) {
        for (size_t i = 0; i < 2; i++) {
            if (ends[i].fd >= 0 && ends[i].revents != 0 &&
                !carry_some(i == 0 ? client : server, i == 0 ? server : client)) {
                /* poll ignores it from now on. */
                ends[i].fd = -1;
                open--;
            }
        }
    }
}

static void *carry(void *data)
{
    struct carrying *carrying = data;
    struct balancer *balancer = carrying->balancer;
    int server = connect_to_any(balancer);

    if (server >= 0) {
        carry_all(carrying->client, server);
        close(server);
    }
    close(carrying->client);
    free(carrying);
    pthread_mutex_lock(&balancer->mutex);
    balancer->carried--;
    pthread_cond_signal(&balancer->changed);
    pthread_mutex_unlock(&balancer->mutex);
    return NULL;
}

static void *accept_all(void *data)
{
    struct balancer *balancer = data;
    int fd;

    /* Until the listener is shut down. */
    while ((fd = accept4(balancer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct carrying *carrying = malloc(sizeof(*carrying));
        pthread_t thread;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        *carrying = (struct carrying){balancer, fd};
        pthread_mutex_lock(&balancer->mutex);
        balancer->carried++;
        pthread_mutex_unlock(&balancer->mutex);
        cr_assert_eq(pthread_create(&thread, NULL, carry, carrying), 0);
        pthread_detach(thread);
    }
    return NULL;
}

/* Asks every server in turn whether it is ready. Without the mutex, because the answer may be outdated
 * anyway. */
static void *look(void *data)
{
    struct balancer *balancer = data;

    for (;;) {
        for (size_t i = 0; i < BALANCER_MAX_SERVERS; i++) {
            struct backend *backend = &balancer->backends[i];
            struct answer answer;
            struct server server;
            bool is_used;

            pthread_mutex_lock(&balancer->mutex);
            server = backend->server;
            is_used = backend->is_used;
            if (balancer->is_stopping) {
                pthread_mutex_unlock(&balancer->mutex);
                return NULL;
            }
            pthread_mutex_unlock(&balancer->mutex);
            if (!is_used)
                continue;
            answer = telemetry_get(&server, "/ready");
            pthread_mutex_lock(&balancer->mutex);
            if (backend->server.port == server.port)
                backend->is_ready = answer.status == 200;
            pthread_mutex_unlock(&balancer->mutex);
            answer_free(&answer);
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
}

struct balancer *balancer_start(void)
{
    struct balancer *balancer = calloc(1, sizeof(*balancer));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    balancer->listener = new_socket();
    cr_assert_eq(bind(balancer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(balancer->listener, SOMAXCONN), 0);
    getsockname(balancer->listener, (struct sockaddr *)&address, &len);
    balancer->port = ntohs(address.sin_port);
    pthread_mutex_init(&balancer->mutex, NULL);
    pthread_cond_init(&balancer->changed, NULL);
    cr_assert_eq(pthread_create(&balancer->accepting, NULL, accept_all, balancer), 0);
    cr_assert_eq(pthread_create(&balancer->looking, NULL, look, balancer), 0);
    return balancer;
}

int balancer_port(const struct balancer *balancer)
{
    return balancer->port;
}

void balancer_add(struct balancer *balancer, const struct server *server)
{
    struct backend *free_one = NULL;

    pthread_mutex_lock(&balancer->mutex);
    for (size_t i = 0; i < BALANCER_MAX_SERVERS && free_one == NULL; i++) {
        if (!balancer->backends[i].is_used)
            free_one = &balancer->backends[i];
    }
    cr_assert_not_null(free_one);
    *free_one = (struct backend){.server = *server, .is_used = true};
    pthread_mutex_unlock(&balancer->mutex);
}

void balancer_remove(struct balancer *balancer, const struct server *server)
{
    pthread_mutex_lock(&balancer->mutex);
    for (size_t i = 0; i < BALANCER_MAX_SERVERS; i++) {
        if (balancer->backends[i].server.port == server->port)
            balancer->backends[i] = (struct backend){0};
    }
    pthread_mutex_unlock(&balancer->mutex);
}

size_t balancer_stop(struct balancer *balancer)
{
    size_t untaken;

    shutdown(balancer->listener, SHUT_RDWR);
    pthread_join(balancer->accepting, NULL);
    close(balancer->listener);
    pthread_mutex_lock(&balancer->mutex);
    balancer->is_stopping = true;
    while (balancer->carried > 0)
        pthread_cond_wait(&balancer->changed, &balancer->mutex);
    untaken = balancer->untaken;
    pthread_mutex_unlock(&balancer->mutex);
    pthread_join(balancer->looking, NULL);
    pthread_cond_destroy(&balancer->changed);
    pthread_mutex_destroy(&balancer->mutex);
    free(balancer);
    return untaken;
}
