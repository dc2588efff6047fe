#ifndef ACCOUNTSD_REQUEST_HEAD_H
#define ACCOUNTSD_REQUEST_HEAD_H

/* Strict checks of a request's head (RFC 9112) before libh2o reads it. libh2o 2.2.5 accepts much that the
 * standard forbids, which would allow request smuggling, and answers what it does not accept in plain text
 * and without a log line. libh2o accepts every head that is accepted here. Pure. */

#include <stdbool.h>
#include <stddef.h>

/* The limit of libh2o. */
#define REQUEST_HEAD_MAX_FIELDS 100

enum request_head_verdict {
    REQUEST_HEAD_OK,
    /* The head is valid so far; its end has not arrived. */
    REQUEST_HEAD_INCOMPLETE,
    /* These are refused with the status of request_head_status, and the connection is closed. Ambiguous or
     * malformed framing. */
    REQUEST_HEAD_BAD_REQUEST,
    /* A chunked body, whose framing cannot be checked in advance. */
    REQUEST_HEAD_LENGTH_REQUIRED,
    /* A body with an expectation other than 100-continue. */
    REQUEST_HEAD_EXPECTATION_FAILED,
    /* The head is longer than max_len, or has more than REQUEST_HEAD_MAX_FIELDS fields. */
    REQUEST_HEAD_TOO_LARGE,
};

/* The length of an accepted head, with its empty line, and of the body. */
struct request_head {
    size_t len, content_length;
};

/* Checks the head at the start of len bytes of input. Sets *found on REQUEST_HEAD_OK, and *reason to a static
 * text if the head is refused, else to NULL. */
enum request_head_verdict request_head_check(
    const char *input, size_t len, size_t max_len, struct request_head *found, const char **reason);

int request_head_status(enum request_head_verdict verdict);

/* Whether input contains the end of a head. The first `seen` bytes are known not to contain it. */
bool request_head_has_end(const char *input, size_t len, size_t seen);

/* Reads the method and the target of a request that may be incomplete. Both point into input. */
void request_head_read_request_line(const char *input, size_t len, const char **method, size_t *method_len,
    const char **target, size_t *target_len);

/* Finds a field in a head that may be incomplete. False unless exactly one complete line has the field.
 * *value points into input and has no white space around it. */
bool request_head_find_field(
    const char *input, size_t len, const char *name, const char **value, size_t *value_len);

/* The offset of the path in a request's target: after the authority in absolute-form (RFC 9112, section
 * 3.2.2), otherwise 0. */
size_t request_head_path_start(const char *target, size_t len);

#endif
