#ifndef ACCOUNTSD_LISTENER_H
#define ACCOUNTSD_LISTENER_H

/* Ports to listen on. Each function ends the process, with a line that says why, where that is not to be had:
 * for the start. */

#include <netdb.h>

struct endpoint {
    /* As configured. */
    const char *host;
    long port;
    /* freeaddrinfo is the caller's to call. */
    struct addrinfo *address;
};

/* Sets the endpoint's address, and finds out whether its port is free: with SO_REUSEPORT another process of
 * the same user may hold it as well, and take half of what comes in. */
void listener_resolve(struct endpoint *endpoint);

/* One listener of several on the same port; the kernel spreads connections over them, which inherit its
 * options: send_timeout_ms is how long sent bytes may stay unacknowledged. With port 0 the first one's port
 * is what the others get. */
int listener_open(const struct endpoint *endpoint, long send_timeout_ms);

int listener_port(const struct endpoint *endpoint);

#endif
