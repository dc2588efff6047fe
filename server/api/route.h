#ifndef ACCOUNTSD_ROUTE_H
#define ACCOUNTSD_ROUTE_H

/* The table of routes: which operation a method and a path select. Pure. */

#include <stddef.h>

#include "api/validate.h"
#include "database/statement.h"

#define ROUTE_MAX_PARAMETERS 3

/* The parameter that is the code of an invitation. */
#define ROUTE_CODE "code"
/* The parameter that is the name of a problem type. */
#define ROUTE_PROBLEM "problem"

enum route_flag {
    /* Needs no token. */
    ROUTE_IS_PUBLIC = 1,
    /* Creates a resource below the path. */
    ROUTE_CREATES = 2,
    /* Answered with the OpenAPI document, without the database. */
    ROUTE_IS_DOCUMENT = 4,
    /* Answered with the description of a problem type, without the database. */
    ROUTE_IS_PROBLEM = 16,
    /* For browsers: answered with pages. Its forms have no fields. */
    ROUTE_IS_PAGE = 8,
};

struct route {
    const char *method;
    /* "{name}" stands for a parameter, which has this name in the database call. */
    const char *path;
    /* The operation and the kind of object in the database call; NULL if the database is not called. */
    const char *operation;
    const char *kind;
    enum statement statement;
    /* NULL for an operation without a body. */
    const struct validate_shape *body;
    unsigned flags;
};

/* The parameters in a path, in the order of the route. They point into the path. */
struct route_match {
    const struct route *route;
    struct {
        const char *name;
        size_t name_len;
        const char *value;
        size_t value_len;
    } parameters[ROUTE_MAX_PARAMETERS];
    size_t count;
};

/* ROUTE_METHOD_UNKNOWN: the method is not a standard one. */
enum route_verdict { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_METHOD_NOT_ALLOWED, ROUTE_METHOD_UNKNOWN };

/* Looks up a method and a path, which is without query and not decoded: no path needs percent-encoding, so an
 * encoded path matches nothing. Neither does an id of the wrong form. HEAD finds the route of GET.
 * match->route is set on ROUTE_FOUND, and on ROUTE_METHOD_NOT_ALLOWED to one of the routes of the path. */
enum route_verdict route_find(
    const char *method, size_t method_len, const char *path, size_t path_len, struct route_match *match);

#define ROUTE_ALLOW_MAX 64

/* Writes the value of Allow for the path of a route, such as "GET, HEAD, POST". */
void route_allow(const struct route *route, char allow[ROUTE_ALLOW_MAX]);

size_t route_count(void);
const struct route *route_at(size_t index);
size_t route_index(const struct route *route);

#endif
