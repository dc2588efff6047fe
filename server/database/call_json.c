#include "database/call_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Makes a JSON string, in the pool. */
static enum call_json_verdict render_text(
    h2o_mem_pool_t *pool, const char *bytes, size_t len, h2o_iovec_t *rendered)
{
    memory_begin();
    json_auto_t *string = json_stringn(bytes, len);
    char *text = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    if (text == NULL || memory_ran_out()) {
        free(text);
        return memory_ran_out() ? CALL_JSON_OUT_OF_MEMORY : CALL_JSON_NOT_UTF8;
    }
    *rendered = h2o_strdup(pool, text, SIZE_MAX);
    free(text);
    return CALL_JSON_OK;
}

enum call_json_verdict call_json_render(
    h2o_mem_pool_t *pool, const struct call_json *call, h2o_iovec_t *rendered)
{
    h2o_iovec_t query, key = {NULL, 0}, parts[20 + 4 * CALL_JSON_MAX_IDS];
    size_t count = 0;
    enum call_json_verdict verdict = render_text(pool, call->query.base, call->query.len, &query);

    if (verdict == CALL_JSON_OK && call->idempotency_key.len > 0)
        verdict = render_text(pool, call->idempotency_key.base, call->idempotency_key.len, &key);
    if (verdict != CALL_JSON_OK)
        return verdict;
#define ADD(text, len) parts[count++] = h2o_iovec_init(text, len)
#define ADD_TEXT(text) ADD(text, strlen(text))
    ADD_TEXT("{\"operation\":\"");
    ADD_TEXT(call->operation);
    ADD_TEXT("\",\"kind\":\"");
    ADD_TEXT(call->kind);
    ADD_TEXT("\",\"traceparent\":\"");
    ADD_TEXT(call->traceparent);
    if (call->token != NULL) {
        ADD_TEXT("\",\"token\":\"");
        ADD_TEXT(call->token->id);
        ADD_TEXT(":");
        ADD_TEXT(call->token->secret_sha256);
    }
    for (size_t i = 0; i < call->id_count; i++) {
        ADD_TEXT("\",\"");
        parts[count++] = call->ids[i].name;
        ADD_TEXT("\":\"");
        parts[count++] = call->ids[i].value;
    }
    if (call->code_seed != NULL) {
        ADD_TEXT("\",\"codeSeed\":\"");
        ADD_TEXT(call->code_seed);
    }
    ADD_TEXT("\",\"query\":");
    parts[count++] = query;
    if (key.len > 0) {
        ADD_TEXT(",\"idempotencyKey\":");
        parts[count++] = key;
    }
    if (call->is_dry_run)
        ADD_TEXT(",\"rollback\":true");
    if (call->body.len > 0) {
        ADD_TEXT(",\"request\":");
        parts[count++] = call->body;
    }
    ADD_TEXT("}");
#undef ADD
#undef ADD_TEXT
    *rendered = h2o_concat_list(pool, parts, count);
    return CALL_JSON_OK;
}
