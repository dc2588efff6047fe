#ifndef ACCOUNTSD_LISTENER_H
#define ACCOUNTSD_LISTENER_H

/* Ports to listen on. For the start: ends the process, with a line that says why, where a port is not to be
 * had. */

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
    const char *host;
    /* 0: any that is free. */
    long port;
    /* Other processes of the same user may listen on the port as well, if they ask for the same. */
    bool is_shared;
    /* How long sent bytes may stay unacknowledged. */
    long send_timeout_ms;
};

/* Opens count listeners on the endpoint's port; the kernel spreads connections over them. Returns the port.
 * Nobody is answered before a listener is accepted on, so a process opens all its ports first. */
int listener_open(const struct endpoint *endpoint, int *fds, size_t count);

#endif
