#ifndef ACCOUNTSD_VALIDATE_H
#define ACCOUNTSD_VALIDATE_H

/* The shapes of request bodies: the fields, their types and their rules. Pure. internal.list_shape_fields in
 * the database has the same table; tests/vectors checks that they agree. */

#include <stddef.h>

struct validate_shape;

extern const struct validate_shape validate_create_account_user;
extern const struct validate_shape validate_accept_invite;
extern const struct validate_shape validate_add_group;
extern const struct validate_shape validate_replace_groups;
extern const struct validate_shape validate_replace_user;

enum validate_verdict {
    VALIDATE_OK,
    VALIDATE_INVALID,
    VALIDATE_OUT_OF_MEMORY,
};

/* Checks a body, NULL if there is none, against a shape. On VALIDATE_INVALID sets *errors to all mistakes as
 * a JSON object, {"field path": ["message", ...], ...}, which the caller frees. max_depth: the deepest
 * allowed nesting of arrays and objects; the outermost has depth 1. */
enum validate_verdict validate_body(
    const struct validate_shape *shape, const char *body, size_t len, size_t max_depth, char **errors);

#endif
