#include "base/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

/* version-traceid-parentid-flags */
#define PARENT_AT 36
#define FLAGS_AT 53

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
            return false;
    }
    return true;
}

static bool is_zero(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '0')
            return false;
    }
    return true;
}

bool trace_parse(const char *value, size_t len, struct trace *trace)
{
    if (len < TRACE_PARENT_LEN || !is_hex(value, 2) || memcmp(value, "ff", 2) == 0 || value[2] != '-' ||
        !is_hex(value + TRACE_ID_AT, TRACE_ID_LEN) || is_zero(value + TRACE_ID_AT, TRACE_ID_LEN) ||
        value[PARENT_AT - 1] != '-' || !is_hex(value + PARENT_AT, 16) || is_zero(value + PARENT_AT, 16) ||
        value[FLAGS_AT - 1] != '-' || !is_hex(value + FLAGS_AT, 2))
        return false;
    /* A later version may append fields after another hyphen; version 00 must not. */
    if (len > TRACE_PARENT_LEN && (memcmp(value, "00", 2) == 0 || value[TRACE_PARENT_LEN] != '-'))
        return false;
    memcpy(trace->parent, value, TRACE_PARENT_LEN);
    trace->parent[TRACE_PARENT_LEN] = '\0';
    return true;
}

void trace_make(struct trace *trace)
{
    unsigned char random[24];

    do {
        /* getrandom never fails for so few bytes; a generator that allocates could. */
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            abort();
    } while (random[0] == 0 || random[16] == 0);

    memcpy(trace->parent, "00-", TRACE_ID_AT);
    text_write_hex(random, 16, trace->parent + TRACE_ID_AT);
    trace->parent[PARENT_AT - 1] = '-';
    text_write_hex(random + 16, 8, trace->parent + PARENT_AT);
    memcpy(trace->parent + FLAGS_AT - 1, "-01", sizeof("-01"));
}

const char *trace_id(const struct trace *trace)
{
    return trace->parent + TRACE_ID_AT;
}
