#ifndef ACCOUNTSD_RESPOND_H
#define ACCOUNTSD_RESPOND_H

/* How responses leave: as JSON, and where people look, as pages. Each function answers the request, once and
 * for good, with the headers that are added to it before. */

#include <h2o.h>
#include <stdbool.h>

#include "base/trace.h"
#include "http/problem.h"
#include "words/template.h"

/* What the answers to one request have in common. */
struct responder {
    h2o_req_t *req;
    const struct trace *trace;
    /* NULL where it is answered in JSON. */
    const struct templates *pages;
    /* A token was sent. */
    bool has_token;
};

void respond_json(const struct responder *responder, int status, const char *text, size_t len);
/* With JSON that is there for as long as the process. */
void respond_document(const struct responder *responder, const char *text, size_t len);
void respond_no_content(const struct responder *responder, int status);
void respond_problem(const struct responder *responder, const struct problem *problem);
/* With the problem of a status; detail is NULL for the status's own. */
void respond_status(const struct responder *responder, int status, const char *detail);
/* With a text for people about it. */
void respond_problem_type(const struct responder *responder, const struct problem_type *type);

/* The page of what api.get_invitation answers. */
void respond_invitation(const struct responder *responder, const char *invitation);
/* Sends a browser on to a page. location is the request's, or in its pool. */
void respond_see_other(const struct responder *responder, const char *location, size_t len);

#endif
