#ifndef ACCOUNTSD_PROBLEM_H
#define ACCOUNTSD_PROBLEM_H

/* Problem details (RFC 9457). Pure. */

#include <stddef.h>

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/* A status for log and metrics: the response was not sent completely. */
#define PROBLEM_ABORTED 499

struct problem {
    int status;
    /* Text for people; NULL: the default text of the status. */
    const char *detail;
    /* A JSON object, or NULL. */
    const char *errors;
    /* A URI reference; NULL: about:blank, which adds nothing to the status. */
    const char *type;
    /* Seconds, for a 429; 0 if unknown. */
    long retry_after;
};

/* A problem type is the relative reference PROBLEM_TYPES followed by its name; its description is served
 * there. */
#define PROBLEM_TYPES "/problems/"

struct problem_type {
    const char *name;
    int status;
    const char *title;
    /* The meaning, and what the client can do. */
    const char *text;
    /* Seconds; 0: repeating the request does not help. */
    long retry_after;
};

size_t problem_type_count(void);
const struct problem_type *problem_type_at(size_t index);
/* NULL if there is none with this name. */
const struct problem_type *problem_type_find(const char *name, size_t len);

/* The reason phrase of a status (RFC 9110); "Error" if this service does not use the status. */
const char *problem_title(int status);

/* The statuses that this service uses. */
size_t problem_status_count(void);
int problem_status_at(size_t index);

/* Returns the problem as JSON and sets *len. The caller frees it; NULL if memory ran out. */
char *problem_render(const struct problem *problem, const char *traceparent, size_t *len);

/* Seconds for Retry-After (RFC 9110, section 10.2.3); 0: none. */
long problem_retry_after(const struct problem *problem);

#endif
