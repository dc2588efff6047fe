#ifndef ACCOUNTSD_RESPOND_H
#define ACCOUNTSD_RESPOND_H

/* Sends responses, as JSON or as pages. Each function answers the request, with the headers that were added
 * to it before. */

#include <h2o.h>
#include <stdbool.h>

#include "base/trace.h"
#include "http/problem.h"
#include "words/template.h"

/* Where and how a request is answered. */
struct responder {
    h2o_req_t *req;
    const struct trace *trace;
    /* NULL: answer in JSON. */
    const struct templates *pages;
    /* A token was sent. */
    bool has_token;
};

void respond_json(const struct responder *responder, int status, const char *text, size_t len);
/* With static JSON. */
void respond_document(const struct responder *responder, const char *text, size_t len);
void respond_no_content(const struct responder *responder, int status);
void respond_problem(const struct responder *responder, const struct problem *problem);
/* With the problem of a status; detail: NULL for the default text of the status. */
void respond_status(const struct responder *responder, int status, const char *detail);
/* With the description of a problem type, as plain text. */
void respond_problem_type(const struct responder *responder, const struct problem_type *type);

/* With the page for an answer of api.get_invitation. */
void respond_invitation(const struct responder *responder, const char *invitation);
/* Redirects a browser with 303. location must live as long as the request. */
void respond_see_other(const struct responder *responder, const char *location, size_t len);

#endif
