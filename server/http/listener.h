#ifndef ACCOUNTSD_LISTENER_H
#define ACCOUNTSD_LISTENER_H

/* Opens listeners at the start. Dies if a port cannot be opened (die.h). */

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
    const char *host;
    /* 0: any free port. */
    long port;
    /* Other processes of the same user may share the port (SO_REUSEPORT). */
    bool is_shared;
    /* TCP_USER_TIMEOUT: how long sent bytes may stay unacknowledged. */
    long send_timeout_ms;
};

/* Opens count listeners on the endpoint's port, over which the kernel distributes connections. Returns the
 * port. A process must open all its ports before it accepts on one. */
int listener_open(const struct endpoint *endpoint, int *fds, size_t count);

#endif
