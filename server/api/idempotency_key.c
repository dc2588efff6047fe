#include "api/idempotency_key.h"

static bool is_visible(char c)
{
    return c > ' ' && c <= '~';
}

bool idempotency_key_parse(const char *value, size_t len, struct idempotency_key *key)
{
    struct idempotency_key parsed = {.len = 0};
    bool is_string = len > 0 && value[0] == '"';
    const char *at = value, *end = value + len;

    if (is_string) {
        if (len < 2 || end[-1] != '"')
            return false;
        at++;
        end--;
    }
    for (; at < end; at++) {
        if (is_string && *at == '"')
            return false;
        if (is_string && *at == '\\' && (++at == end || (*at != '"' && *at != '\\')))
            return false;
        if (!is_visible(*at) || parsed.len == IDEMPOTENCY_KEY_MAX)
            return false;
        parsed.text[parsed.len++] = *at;
    }
    if (parsed.len == 0)
        return false;
    *key = parsed;
    return true;
}
