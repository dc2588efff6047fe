#include "element.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* A JSON text of bytes, in the pool. */
static enum element_verdict render_text(
    h2o_mem_pool_t *pool, const char *bytes, size_t len, h2o_iovec_t *rendered)
{
    memory_begin();
    json_auto_t *string = json_stringn(bytes, len);
    char *text = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    if (text == NULL || memory_ran_out()) {
        free(text);
        return memory_ran_out() ? ELEMENT_OUT_OF_MEMORY : ELEMENT_NOT_UTF8;
    }
    *rendered = h2o_strdup(pool, text, SIZE_MAX);
    free(text);
    return ELEMENT_OK;
}

/* What the body of an accept request says, a path may say too. */
static bool is_code(const struct route_match *match, size_t index)
{
    return match->parameters[index].name_len == sizeof(ROUTE_CODE) - 1 &&
           memcmp(match->parameters[index].name, ROUTE_CODE, sizeof(ROUTE_CODE) - 1) == 0;
}

/* The query and the idempotency key are made JSON texts here; nothing else has a character that JSON
 * escapes. */
enum element_verdict element_render(
    h2o_mem_pool_t *pool, const struct element *element, h2o_iovec_t *rendered)
{
    const struct route_match *match = element->match;
    const struct idempotency_key *key = element->key;
    bool is_public = (match->route->flags & ROUTE_IS_PUBLIC) != 0;
    h2o_iovec_t query, key_text = {NULL, 0}, parts[20 + 4 * ROUTE_MAX_PARAMETERS];
    char seed[BEARER_HASH_LEN + 1];
    size_t count = 0;
    enum element_verdict verdict = render_text(pool, element->query.base, element->query.len, &query);

    if (verdict == ELEMENT_OK && key->len > 0)
        verdict = render_text(pool, key->text, key->len, &key_text);
    if (verdict != ELEMENT_OK)
        return verdict;
#define ADD(text, len) parts[count++] = h2o_iovec_init(text, len)
#define ADD_TEXT(text) ADD(text, strlen(text))
    ADD_TEXT("{\"operation\":\"");
    ADD_TEXT(match->route->operation);
    ADD_TEXT("\",\"kind\":\"");
    ADD_TEXT(match->route->kind);
    ADD_TEXT("\",\"traceparent\":\"");
    ADD(element->trace->parent, TRACE_PARENT_LEN);
    if (!is_public) {
        ADD_TEXT("\",\"token\":\"");
        ADD(element->bearer->id, strlen(element->bearer->id));
        ADD_TEXT(":");
        ADD(element->bearer->secret_sha256, BEARER_HASH_LEN);
    }
    for (size_t i = 0; i < match->count; i++) {
        if (is_code(match, i))
            continue;
        ADD_TEXT("\",\"");
        ADD(match->parameters[i].name, match->parameters[i].name_len);
        ADD_TEXT("\":\"");
        ADD(match->parameters[i].value, match->parameters[i].value_len);
    }
    if (key->len > 0 && !is_public) {
        if (!bearer_mac(element->authorization.base, element->authorization.len, key->text, key->len, seed))
            return ELEMENT_OUT_OF_MEMORY;
        ADD_TEXT("\",\"codeSeed\":\"");
        ADD(seed, BEARER_HASH_LEN);
    }
    ADD_TEXT("\",\"query\":");
    ADD(query.base, query.len);
    if (key->len > 0) {
        ADD_TEXT(",\"idempotencyKey\":");
        ADD(key_text.base, key_text.len);
    }
    if (element->is_dry_run)
        ADD_TEXT(",\"rollback\":true");
    if (match->route->body != NULL) {
        ADD_TEXT(",\"request\":");
        ADD(element->body.base, element->body.len);
    }
    for (size_t i = 0; i < match->count; i++) {
        if (!is_code(match, i))
            continue;
        ADD_TEXT(",\"request\":{\"" ROUTE_CODE "\":\"");
        ADD(match->parameters[i].value, match->parameters[i].value_len);
        ADD_TEXT("\"}");
    }
    ADD_TEXT("}");
#undef ADD
#undef ADD_TEXT
    *rendered = h2o_concat_list(pool, parts, count);
    return ELEMENT_OK;
}
