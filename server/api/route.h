#ifndef ACCOUNTSD_ROUTE_H
#define ACCOUNTSD_ROUTE_H

/* Which operation a method and a path ask for. Pure. */

#include <stddef.h>

#include "api/validate.h"
#include "database/statement.h"

#define ROUTE_MAX_PARAMETERS 3

/* The parameter that is no id but the code of an invitation. */
#define ROUTE_CODE "code"
/* And the one that is the name of a problem type. */
#define ROUTE_PROBLEM "problem"

enum route_flag {
    /* Authorised by something in its body instead of a token. */
    ROUTE_IS_PUBLIC = 1,
    /* Makes a resource, which is then found below the path. */
    ROUTE_CREATES = 2,
    /* Answered with the OpenAPI document, without the database. */
    ROUTE_IS_DOCUMENT = 4,
    /* Answered with what a problem type means, without the database. */
    ROUTE_IS_PROBLEM = 16,
    /* For people: answered with pages, and its forms have no fields. */
    ROUTE_IS_PAGE = 8,
};

struct route {
    const char *method;
    /* "{name}" stands for an id or a code; the database knows it by this name. */
    const char *path;
    /* The operation as the database knows it, and whether its object is an account user or a user. NULL where
     * the database is not asked. */
    const char *operation;
    const char *kind;
    enum statement statement;
    /* NULL for an operation without a body. */
    const struct validate_shape *body;
    unsigned flags;
};

/* The ids in a path, in the order of the route's parameters. They point into the path. */
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

/* ROUTE_METHOD_UNKNOWN: no path takes it. */
enum route_verdict { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_METHOD_NOT_ALLOWED, ROUTE_METHOD_UNKNOWN };

/* Looks up a method and a path, without query and byte for byte as sent: ids and names here need no percent
 * sign, so an encoded path names nothing, and an id of the wrong shape neither. HEAD finds the route of GET.
 * match->route is set on ROUTE_FOUND, and on ROUTE_METHOD_NOT_ALLOWED to one of the path's routes, for its
 * path and route_allow. */
enum route_verdict route_find(
    const char *method, size_t method_len, const char *path, size_t path_len, struct route_match *match);

#define ROUTE_ALLOW_MAX 64

/* Writes the value of Allow for the path of a route, such as "GET, HEAD, POST". */
void route_allow(const struct route *route, char allow[ROUTE_ALLOW_MAX]);

size_t route_count(void);
const struct route *route_at(size_t index);
size_t route_index(const struct route *route);

#endif
