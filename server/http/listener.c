#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/die.h"

/* The kernel's receive buffer, which the kernel doubles. It bounds memory, because libh2o reads everything
 * that has arrived at once. */
#define RECEIVE_BUFFER (128 * 1024)

static void die_for_endpoint(const struct endpoint *endpoint, const char *error)
{
    char reason[160];

    snprintf(
        reason, sizeof(reason), "cannot listen on %.64s port %ld: %s", endpoint->host, endpoint->port, error);
    die(reason);
}

static void set_option(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
        die(strerror(errno));
}

static struct addrinfo *resolve(const struct endpoint *endpoint)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address;
    char port[8];
    int failed;

    snprintf(port, sizeof(port), "%ld", endpoint->port);
    if ((failed = getaddrinfo(endpoint->host, port, &hints, &address)) != 0)
        die_for_endpoint(endpoint, gai_strerror(failed));
    return address;
}

/* Sets the address's port to the one that the socket got. */
static int open_one(const struct endpoint *endpoint, struct addrinfo *address, bool is_shared)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die(strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, is_shared);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)endpoint->send_timeout_ms);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, address->ai_addr, &address->ai_addrlen) != 0)
        die_for_endpoint(endpoint, strerror(errno));
    return fd;
}

int listener_open(const struct endpoint *endpoint, int *fds, size_t count)
{
    struct addrinfo *address = resolve(endpoint);
    int port;

    /* Without SO_REUSEPORT the first listen fails if another process listens on the port, and makes later
     * attempts of others fail. Only then do the listeners of this process share the port. */
    fds[0] = open_one(endpoint, address, endpoint->is_shared);
    if (count > 1)
        set_option(fds[0], SOL_SOCKET, SO_REUSEPORT, 1);
    for (size_t i = 1; i < count; i++)
        fds[i] = open_one(endpoint, address, true);
    /* sin_port and sin6_port have the same offset. */
    port = ntohs(((const struct sockaddr_in *)address->ai_addr)->sin_port);
    freeaddrinfo(address);
    return port;
}
