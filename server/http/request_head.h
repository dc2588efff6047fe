#ifndef ACCOUNTSD_REQUEST_HEAD_H
#define ACCOUNTSD_REQUEST_HEAD_H

/* A strict look at the head of a request (RFC 9112), before libh2o gets it. libh2o 2.2.5 takes much that the
 * standard forbids, of which some lets one request hide in another, and answers what it does not take with a
 * text of its own that nobody logs: what is taken here it takes as well. Pure. */

#include <stdbool.h>
#include <stddef.h>

/* As many as libh2o takes. */
#define REQUEST_HEAD_MAX_FIELDS 100

enum request_head_verdict {
    REQUEST_HEAD_OK,
    /* Nothing is wrong so far, and the end is still to come. */
    REQUEST_HEAD_INCOMPLETE,
    /* The others are refused with the status of request_head_status, and the connection is closed. Ambiguous
     * or malformed framing. */
    REQUEST_HEAD_BAD_REQUEST,
    /* A chunked body, whose framing cannot be checked. */
    REQUEST_HEAD_LENGTH_REQUIRED,
    /* A body that comes only if something is promised that nobody knows. */
    REQUEST_HEAD_EXPECTATION_FAILED,
    /* The head is longer than max_len, or has more than REQUEST_HEAD_MAX_FIELDS fields. */
    REQUEST_HEAD_TOO_LARGE,
};

/* Of a request whose head is taken: the head with its empty line, and the body behind it. */
struct request_head {
    size_t len, content_length;
};

/* Looks at the head at the start of len bytes of input. *found is set on REQUEST_HEAD_OK; *reason to a static
 * text on a refusal, else to NULL. */
enum request_head_verdict request_head_check(
    const char *input, size_t len, size_t max_len, struct request_head *found, const char **reason);

int request_head_status(enum request_head_verdict verdict);

/* Whether there is the end of a head, taken or not, in input of which the first bytes, which are seen, had
 * none. */
bool request_head_has_end(const char *input, size_t len, size_t seen);

/* The method and the target of a request of which the end may be missing: of the request line's, what has
 * come. Both point into input. */
void request_head_read_request_line(const char *input, size_t len, const char **method, size_t *method_len,
    const char **target, size_t *target_len);

/* Finds a field in a head of which the end may be missing. False where there is none, more than one, or none
 * whose line has come whole; *value is without the spaces around it, and points into input. */
bool request_head_find_field(
    const char *input, size_t len, const char *name, const char **value, size_t *value_len);

/* Where the path begins in a request's target: after the authority in absolute-form (RFC 9112,
 * section 3.2.2), at 0 in any other. */
size_t request_head_path_start(const char *target, size_t len);

#endif
