#ifndef ACCOUNTSD_RESPONSE_H
#define ACCOUNTSD_RESPONSE_H

/* What a response says beside its status, whoever sends it: libh2o, or connection.c where libh2o has no
 * request. Pure but for the templates; any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "http/problem.h"
#include "words/template.h"

#define RESPONSE_MAX_HEADERS 12
#define RESPONSE_POLICY_MAX 256
#define RESPONSE_NUMBER_MAX 24
#define RESPONSE_PAGE_MEDIA_TYPE "text/html; charset=utf-8"
#define RESPONSE_JSON_MEDIA_TYPE "application/json"

/* Names are static; values are static, or in this. */
struct response_header {
    const char *name, *value;
};

struct response {
    const char *media_type;
    /* Freed by response_dispose, unless is_static: it is there for as long as the process. */
    const char *text;
    size_t len;
    bool is_static;
    /* But for those of the content and the connection. */
    struct response_header headers[RESPONSE_MAX_HEADERS];
    size_t header_count;
    char policy[RESPONSE_POLICY_MAX];
    char retry_after[RESPONSE_NUMBER_MAX];
};

/* Who is answered. */
struct response_reader {
    const char *traceparent;
    /* NULL where JSON is expected. */
    const struct templates *pages;
    /* The value of Accept-Language; "" where there is none. */
    const char *languages;
    /* A token was sent. */
    bool has_token;
};

void response_add_header(struct response *response, const char *name, const char *value);
/* What keeps a page from running, loading and telling anything. */
void response_add_page_headers(struct response *response, const struct templates *pages);

/* A page in a language; page, which is taken over, is NULL where memory ran out. */
void response_set_page(struct response *response, const struct response_reader *reader, char *page,
    const struct catalogue *catalogue);
/* A problem as its reader expects it. Without memory for more, the status alone. */
void response_set_problem(
    struct response *response, const struct response_reader *reader, const struct problem *problem);

void response_dispose(struct response *response);

#endif
