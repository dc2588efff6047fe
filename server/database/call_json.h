#ifndef ACCOUNTSD_CALL_JSON_H
#define ACCOUNTSD_CALL_JSON_H

/* The JSON of one call: the element of the array that a statement takes. Knows nothing of how requests come
 * in or are answered; pure but for the pool. */

#include <h2o.h>
#include <stdbool.h>

#include "database/token.h"

#define CALL_JSON_MAX_IDS 3

/* What a call says. Borrowed for the length of call_json_render. Texts are of ASCII without what JSON
 * escapes, but for idempotency_key and query. */
struct call_json {
    const char *operation;
    /* Whose shape the answer has: "account_user" or "user". */
    const char *kind;
    const char *traceparent;
    /* NULL where the caller needs none. */
    const struct token *token;
    /* The ids of the path, by the name that the database knows them by. */
    struct {
        h2o_iovec_t name, value;
    } ids[CALL_JSON_MAX_IDS];
    size_t id_count;
    /* The query as sent, without the question mark. */
    h2o_iovec_t query;
    /* Of length 0 where there is none; with it, where there is a token, what new codes are made from. */
    h2o_iovec_t idempotency_key;
    const char *code_seed;
    /* JSON, checked; of length 0 where there is no body. */
    h2o_iovec_t body;
    /* Nothing of it is to be kept. */
    bool is_dry_run;
};

enum call_json_verdict {
    CALL_JSON_OK,
    /* The query is not, and so no JSON text can say it. */
    CALL_JSON_NOT_UTF8,
    CALL_JSON_OUT_OF_MEMORY,
};

/* Makes the text, not terminated, in the pool, which owns it. Unless CALL_JSON_OK *rendered is
 * untouched. */
enum call_json_verdict call_json_render(
    h2o_mem_pool_t *pool, const struct call_json *call, h2o_iovec_t *rendered);

#endif
