#ifndef ACCOUNTSD_OPENING_H
#define ACCOUNTSD_OPENING_H

/* Starts a connection to one host on a thread of its own, because libpq's lookup of the host name blocks and
 * cannot be interrupted. */

#include <libpq-fe.h>

struct opening;

/* Starts to connect on the calling thread. NULL if memory ran out. */
PGconn *opening_connect(const char *url, const char *host, const char *address, const char *port);

/* Starts to connect on a new thread. The strings are copied; if host, address or port is NULL, libpq takes it
 * from url. NULL if memory, descriptors or threads ran out. */
struct opening *opening_start(const char *url, const char *host, const char *address, const char *port);

/* An eventfd, readable when the thread is done. */
int opening_done_fd(const struct opening *opening);

/* Returns the connection, which the caller owns and whose status may be CONNECTION_BAD; NULL if memory ran
 * out. Frees the opening. Call it once the thread is done. */
PGconn *opening_take(struct opening *opening);

/* Abandons the attempt. A thread that still looks up the name frees everything when it ends. */
void opening_abandon(struct opening *opening);

#endif
