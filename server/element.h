#ifndef ACCOUNTSD_ELEMENT_H
#define ACCOUNTSD_ELEMENT_H

/* One element of the JSON array that a statement takes: all that the database is to know of a request. Knows
 * nothing of how requests come in or are answered; pure but for the pool. */

#include <h2o.h>
#include <stdbool.h>

#include "bearer.h"
#include "idempotency.h"
#include "route.h"
#include "trace.h"

/* What an element is made of. Borrowed for the length of element_render. */
struct element {
    /* Of a route that has an operation. */
    const struct route_match *match;
    const struct trace *trace;
    /* The token, and the value of the header that it was parsed from; neither is read where the route is
     * public. */
    const struct bearer *bearer;
    h2o_iovec_t authorization;
    /* Of length 0 where there is none. */
    const struct idempotency_key *key;
    /* As sent, without the question mark. */
    h2o_iovec_t query;
    /* JSON, checked; not read where the route has no body. */
    h2o_iovec_t body;
    /* Nothing of it is to be kept. */
    bool is_dry_run;
};

enum element_verdict {
    ELEMENT_OK,
    /* The query is not, and so no JSON text can say it. */
    ELEMENT_NOT_UTF8,
    ELEMENT_OUT_OF_MEMORY,
};

/* Makes the element's text, not terminated, in the pool, which owns it. Unless ELEMENT_OK *rendered is
 * untouched. */
enum element_verdict element_render(
    h2o_mem_pool_t *pool, const struct element *element, h2o_iovec_t *rendered);

#endif
