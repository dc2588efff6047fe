#ifndef ACCOUNTSD_VALIDATE_H
#define ACCOUNTSD_VALIDATE_H

/* The shape of request bodies: which fields, of which type, under which rule. Pure: knows neither HTTP nor
 * the database. The same table as internal.list_shape_fields in the database; tests/vectors holds the two
 * together. */

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

/* Checks a body, NULL where there is none, against a shape. On VALIDATE_INVALID *errors is every mistake as a
 * JSON object, {"field path": ["message", ...], ...}, which the caller frees; otherwise *errors is left
 * alone. max_depth bounds how deep arrays and objects nest, the outermost being 1. */
enum validate_verdict validate_body(
    const struct validate_shape *shape, const char *body, size_t len, size_t max_depth, char **errors);

#endif
