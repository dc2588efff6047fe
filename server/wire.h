#ifndef ACCOUNTSD_WIRE_H
#define ACCOUNTSD_WIRE_H

/* A second, strict look at the head of a request (RFC 9112). libh2o 2.2.5 takes much that the standard
 * forbids, of which some lets one request hide in another; its handlers no longer see it, but the bytes are
 * still in the connection's input buffer. Pure. */

#include <stdbool.h>
#include <stddef.h>

enum wire_verdict {
    WIRE_OK,
    /* Ambiguous or malformed framing: answer 400 and close the connection. */
    WIRE_BAD_REQUEST,
    /* A chunked body, whose framing cannot be checked: answer 411 and close the connection. */
    WIRE_LENGTH_REQUIRED,
    /* The head is longer than max_len: answer 431 and close the connection. */
    WIRE_TOO_LARGE,
};

/* Looks at the head at the start of len bytes of input. *reason is set to a static text unless WIRE_OK. */
enum wire_verdict wire_check_head(const char *input, size_t len, size_t max_len, const char **reason);

/* Finds a field in a head of which the end may be missing. False where there is none, more than one, or none
 * whose line has come whole; *value is without the spaces around it, and points into input. */
bool wire_find_field(const char *input, size_t len, const char *name, const char **value, size_t *value_len);

/* Where the path begins in a request's target: after the authority in absolute-form (RFC 9112,
 * section 3.2.2), at 0 in any other. */
size_t wire_path_start(const char *target, size_t len);

#endif
