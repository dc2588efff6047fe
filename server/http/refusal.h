#ifndef ACCOUNTSD_REFUSAL_H
#define ACCOUNTSD_REFUSAL_H

/* The answer to a request that is not passed to libh2o, and its fields for the log. Any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "base/trace.h"
#include "words/template.h"

struct refusal {
    int status;
    /* See struct problem. */
    const char *detail;
    /* The part of the request that has arrived. */
    const char *input;
    size_t input_len;
    /* For requests below /invitations/; NULL: answer all in JSON. */
    const struct templates *pages;

    /* Set by refusal_render. */
    struct trace trace;
    /* Points into the input. */
    const char *method;
    size_t method_len, body_len;
};

/* Returns the head and the body of the answer, which the caller frees; NULL if memory ran out. */
char *refusal_render(struct refusal *refusal, size_t *len);

#endif
