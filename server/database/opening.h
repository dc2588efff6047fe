#ifndef ACCOUNTSD_OPENING_H
#define ACCOUNTSD_OPENING_H

/* The beginning of a connection to one host. libpq looks up the host's name in it, which blocks, and which
 * nothing can cut short: so it is done on a thread of its own. */

#include <libpq-fe.h>

struct opening;

/* Begins to connect on the calling thread. NULL when memory ran out. */
PGconn *opening_connect(const char *url, const char *host, const char *address, const char *port);

/* Begins to connect. The texts are copied; host, address and port may be NULL, and the rest is libpq's
 * matter. NULL when memory, descriptors or threads ran out. */
struct opening *opening_start(const char *url, const char *host, const char *address, const char *port);

/* An eventfd, readable when there is a connection to go on with. */
int opening_done_fd(const struct opening *opening);

/* Once it is done: the connection, the caller's, which may be a bad one, or NULL. Frees the opening. */
PGconn *opening_take(struct opening *opening);

/* Gives it up. The thread, if it still looks up the name, is left behind and frees all at its end. */
void opening_abandon(struct opening *opening);

#endif
