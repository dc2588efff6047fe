#ifndef ACCOUNTSD_PROBLEM_H
#define ACCOUNTSD_PROBLEM_H

/* Problem details (RFC 9457). Pure. */

#include <stddef.h>

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/* In log and metrics: the response did not leave whole. No client gets it. */
#define PROBLEM_ABORTED 499

struct problem {
    int status;
    /* Text for people; NULL for the status's own. */
    const char *detail;
    /* A JSON object, or NULL. */
    const char *errors;
    /* A URI reference; NULL for about:blank, which means that the status says it all. */
    const char *type;
    /* Seconds, for a 429; 0 where they are not known. */
    long retry_after;
};

/* Problem types are relative references, PROBLEM_TYPES with a name behind it, each with a page there. */
#define PROBLEM_TYPES "/problems/"

struct problem_type {
    const char *name;
    int status;
    const char *title;
    /* What it means and what helps. */
    const char *text;
    /* Seconds; 0: repeating the request does not help. */
    long retry_after;
};

size_t problem_type_count(void);
const struct problem_type *problem_type_at(size_t index);
/* NULL where there is none of this name. */
const struct problem_type *problem_type_find(const char *name, size_t len);

/* The reason phrase of a status (RFC 9110), "Error" for one that this service does not use. */
const char *problem_title(int status);

/* The statuses that this service uses. */
size_t problem_status_count(void);
int problem_status_at(size_t index);

/* The problem as JSON, which the caller frees; NULL when memory ran out. *len is set to its length. */
char *problem_render(const struct problem *problem, const char *traceparent, size_t *len);

/* Seconds for Retry-After (RFC 9110, section 10.2.3), 0 where a problem has none. */
long problem_retry_after(const struct problem *problem);

#endif
