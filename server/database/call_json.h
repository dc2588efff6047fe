#ifndef ACCOUNTSD_CALL_JSON_H
#define ACCOUNTSD_CALL_JSON_H

/* The JSON of one call: an element of the array that a statement takes. Pure, except that it allocates from
 * the pool. */

#include <h2o.h>
#include <stdbool.h>

#include "database/token.h"

#define CALL_JSON_MAX_IDS 3

/* The contents of a call. Strings except idempotency_key and query must be ASCII that needs no escaping. */
struct call_json {
    const char *operation;
    /* The kind of object in the answer: "account_user" or "user". */
    const char *kind;
    const char *traceparent;
    /* NULL if the operation needs none. */
    const struct token *token;
    /* The ids in the path, by the names that the database uses. */
    struct {
        h2o_iovec_t name, value;
    } ids[CALL_JSON_MAX_IDS];
    size_t id_count;
    /* The query as sent, without the question mark. */
    h2o_iovec_t query;
    /* Length 0 if there is none; with a token, also the HMAC from which new codes are derived. */
    h2o_iovec_t idempotency_key;
    const char *code_seed;
    /* Checked JSON; length 0 if there is no body. */
    h2o_iovec_t body;
    bool is_dry_run;
};

enum call_json_verdict {
    CALL_JSON_OK,
    /* The query is not UTF-8, so it cannot be a JSON string. */
    CALL_JSON_NOT_UTF8,
    CALL_JSON_OUT_OF_MEMORY,
};

/* Writes the JSON, not terminated, into memory of the pool. *rendered is set only on CALL_JSON_OK. */
enum call_json_verdict call_json_render(
    h2o_mem_pool_t *pool, const struct call_json *call, h2o_iovec_t *rendered);

#endif
