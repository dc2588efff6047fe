#ifndef ACCOUNTSD_ANSWER_H
#define ACCOUNTSD_ANSWER_H

/* How responses leave: as JSON, and where people look, as pages. Each function answers the request, once and
 * for good, with the headers that are added to it before. */

#include <h2o.h>
#include <stdbool.h>

#include "problem.h"
#include "template.h"
#include "trace.h"

/* What the answers to one request have in common. */
struct answer {
    h2o_req_t *req;
    const struct trace *trace;
    /* NULL where it is answered in JSON. */
    const struct templates *pages;
    /* A token was sent. */
    bool has_token;
};

void answer_json(const struct answer *answer, int status, const char *text, size_t len);
/* With JSON that is there for as long as the process. */
void answer_document(const struct answer *answer, const char *text, size_t len);
void answer_no_content(const struct answer *answer, int status);
void answer_problem(const struct answer *answer, const struct problem *problem);
/* With a text for people about it. */
void answer_problem_type(const struct answer *answer, const struct problem_type *type);

/* The page of what api.get_invitation answers. */
void answer_invitation(const struct answer *answer, const char *invitation);
/* Sends a browser on to a page. location is the request's, or in its pool. */
void answer_see_other(const struct answer *answer, const char *location, size_t len);

#endif
