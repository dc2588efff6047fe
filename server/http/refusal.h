#ifndef ACCOUNTSD_REFUSAL_H
#define ACCOUNTSD_REFUSAL_H

/* The answer to a request that libh2o has not got, as it leaves, and what it says in the log. Any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "base/trace.h"
#include "words/template.h"

struct refusal {
    int status;
    /* As of struct problem. */
    const char *detail;
    /* What has come of the request. */
    const char *input;
    size_t input_len;
    /* For requests below /invitations/; NULL where all are answered in JSON. */
    const struct templates *pages;

    /* Set by refusal_render. */
    struct trace trace;
    /* Points into the input. */
    const char *method;
    size_t method_len, body_len;
};

/* The head and the body of the answer, which the caller frees; NULL when memory ran out. */
char *refusal_render(struct refusal *refusal, size_t *len);

#endif
