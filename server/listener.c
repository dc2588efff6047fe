#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

/* What the kernel takes of a client before we read it. libh2o reads until there is no more, into memory: at
 * once so much, and what comes while it reads. Doubled by the kernel. */
#define RECEIVE_BUFFER (128 * 1024)

static void die_of_endpoint(const struct endpoint *endpoint)
{
    char reason[160];

    snprintf(reason, sizeof(reason), "cannot listen on %.64s port %ld: %s", endpoint->host, endpoint->port,
        strerror(errno));
    die(reason);
}

static void set_option(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
        die(strerror(errno));
}

/* A listener without SO_REUSEPORT is refused where another process holds the port. */
static void require_free_port(const struct endpoint *endpoint)
{
    const struct addrinfo *address = endpoint->address;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die(strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (endpoint->port != 0 && bind(fd, address->ai_addr, address->ai_addrlen) != 0)
        die_of_endpoint(endpoint);
    close(fd);
}

void listener_resolve(struct endpoint *endpoint)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    char port[8], reason[160];
    int failed;

    snprintf(port, sizeof(port), "%ld", endpoint->port);
    if ((failed = getaddrinfo(endpoint->host, port, &hints, &endpoint->address)) != 0) {
        snprintf(
            reason, sizeof(reason), "cannot listen on \"%.64s\": %s", endpoint->host, gai_strerror(failed));
        die(reason);
    }
    require_free_port(endpoint);
}

int listener_open(const struct endpoint *endpoint, long send_timeout_ms)
{
    struct addrinfo *address = endpoint->address;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die(strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)send_timeout_ms);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, address->ai_addr, &address->ai_addrlen) != 0)
        die_of_endpoint(endpoint);
    return fd;
}

int listener_port(const struct endpoint *endpoint)
{
    /* sin_port and sin6_port are at the same place. */
    return ntohs(((const struct sockaddr_in *)endpoint->address->ai_addr)->sin_port);
}
