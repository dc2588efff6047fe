#ifndef ACCOUNTSD_REQUEST_H
#define ACCOUNTSD_REQUEST_H

/* One request: handler.c creates it, request_check.c checks it, request_call.c calls the database and
 * responds. On its worker's thread. */

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/handler.h"
#include "api/idempotency_key.h"
#include "api/respond.h"
#include "api/route.h"
#include "base/trace.h"
#include "database/database.h"
#include "database/token.h"
#include "http/address.h"

/* Allocated in libh2o's pool of the request, which is freed when the response has been sent or the connection
 * has ended; with HTTP/1 neither happens during a database call. */
struct request {
    struct database_call call;
    h2o_req_t *req;
    struct handler_context *context;
    struct route_match match;
    struct trace trace;
    struct responder responder;
    /* The value of the header, and the token in it. */
    h2o_iovec_t authorization;
    struct token token;
    struct idempotency_key key;
    bool is_dry_run;
    /* The address that counts this request, or NULL. */
    struct address *address;
    uint64_t started_us;
    /* The next waiting request. */
    struct request *next;
};

/* Without the query. */
size_t request_path_len(const h2o_req_t *req);

/* Parses the request and checks its shape. False if it was answered with a problem. */
bool request_check(struct request *request);

/* Answers a checked request, by a database call or with a document of the server. */
void request_call(struct request *request);

#endif
