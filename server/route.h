#ifndef ACCOUNTSD_ROUTE_H
#define ACCOUNTSD_ROUTE_H

/* Which operation a method and a path ask for. Pure. */

#include <stddef.h>

#include "statement.h"
#include "validate.h"

struct route {
    const char *method;
    /* As it appears in logs; "{name}" stands for a segment. */
    const char *path;
    const struct validate_shape *body;
    enum statement statement;
    /* Where the resource that a request makes is found: this and its id. NULL where none is made. */
    const char *location;
};

enum route_verdict { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_METHOD_NOT_ALLOWED };

/* Looks up a method and a path, without query and byte for byte as sent: ids and names here need no percent
 * sign, so an encoded path names nothing. On ROUTE_FOUND *route is the route; on ROUTE_METHOD_NOT_ALLOWED
 * *route is one of the path's routes, for its path and route_allow. */
enum route_verdict route_find(
    const char *method, size_t method_len, const char *path, size_t path_len, const struct route **route);

#define ROUTE_ALLOW_MAX 64

/* Writes the value of Allow for the path of a route, such as "GET, POST". */
void route_allow(const struct route *route, char allow[ROUTE_ALLOW_MAX]);

#endif
