#ifndef ACCOUNTSD_REQUEST_H
#define ACCOUNTSD_REQUEST_H

/* One request on its way: handler.c makes it, request_check.c reads it, request_call.c asks the database and
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

/* One request. It lives in libh2o's pool of the request, which goes when the response has left or the
 * connection has ended; on HTTP/1 neither happens while the database works on it. */
struct request {
    struct database_call call;
    h2o_req_t *req;
    struct handler_context *context;
    struct route_match match;
    struct trace trace;
    struct responder responder;
    /* The value of the header, and what it says. */
    h2o_iovec_t authorization;
    struct token token;
    struct idempotency_key key;
    bool is_dry_run;
    /* Whose requests in flight it is one of, or NULL. */
    struct address *address;
    uint64_t started_us;
    /* Of those that wait, the one behind it. */
    struct request *next;
};

/* Without the query. */
size_t request_path_len(const h2o_req_t *req);

/* Reads the request and checks its shape. False when it has been answered, with what is wrong. */
bool request_check(struct request *request);

/* Answers a request that has been checked: from the database, or from what the server itself has. */
void request_call(struct request *request);

#endif
