#ifndef ACCOUNTSD_RESPONSE_H
#define ACCOUNTSD_RESPONSE_H

/* The headers and the body of responses that libh2o sends, or connection.c for requests that are not passed
 * to libh2o. Reads only the templates; any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "http/problem.h"
#include "words/template.h"

#define RESPONSE_MAX_HEADERS 12
#define RESPONSE_POLICY_MAX 256
#define RESPONSE_NUMBER_MAX 24
#define RESPONSE_PAGE_MEDIA_TYPE "text/html; charset=utf-8"
#define RESPONSE_JSON_MEDIA_TYPE "application/json"

/* Names are static; values are static or point into the response. */
struct response_header {
    const char *name, *value;
};

struct response {
    const char *media_type;
    /* Freed by response_dispose unless is_static. */
    const char *text;
    size_t len;
    bool is_static;
    /* Without those of the content and the connection. */
    struct response_header headers[RESPONSE_MAX_HEADERS];
    size_t header_count;
    char policy[RESPONSE_POLICY_MAX];
    char retry_after[RESPONSE_NUMBER_MAX];
};

/* The client that is answered. */
struct response_reader {
    const char *traceparent;
    /* NULL: answer in JSON. */
    const struct templates *pages;
    /* The value of Accept-Language, or "". */
    const char *languages;
    /* A token was sent. */
    bool has_token;
};

void response_add_header(struct response *response, const char *name, const char *value);
/* Adds the security headers of pages. */
void response_add_page_headers(struct response *response, const struct templates *pages);

/* Sets a page and its language. Takes ownership of page; NULL means that memory ran out. */
void response_set_page(struct response *response, const struct response_reader *reader, char *page,
    const struct catalogue *catalogue);
/* Sets a problem, as JSON or as a page; only the status if memory ran out. */
void response_set_problem(
    struct response *response, const struct response_reader *reader, const struct problem *problem);

void response_dispose(struct response *response);

#endif
