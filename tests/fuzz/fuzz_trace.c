#include <string.h>

#include "base/trace.h"
#include "fuzz.h"

/* The value of a traceparent header: an accepted value follows the grammar of the standard, and needs no
 * escaping in a log line or in JSON. */

#define SHAPE "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx"
#define ZERO_ID "00000000000000000000000000000000"

static void must_be_canonical(const char *value, size_t len, const struct trace *trace)
{
    struct trace again;

    MUST(strlen(trace->parent) == TRACE_PARENT_LEN && memcmp(trace->parent, value, TRACE_PARENT_LEN) == 0);
    for (size_t i = 0; i < TRACE_PARENT_LEN; i++)
        MUST(SHAPE[i] == 'x' ? strchr("0123456789abcdef", trace->parent[i]) != NULL
                             : trace->parent[i] == SHAPE[i]);
    MUST(memcmp(trace->parent, "ff", 2) != 0);
    MUST(memcmp(trace_id(trace), ZERO_ID, TRACE_ID_LEN) != 0);
    MUST(memcmp(trace_id(trace) + TRACE_ID_LEN + 1, ZERO_ID, 16) != 0);
    MUST(len == TRACE_PARENT_LEN || (memcmp(value, "00", 2) != 0 && value[TRACE_PARENT_LEN] == '-'));
    MUST(trace_parse(trace->parent, TRACE_PARENT_LEN, &again));
    MUST(strcmp(again.parent, trace->parent) == 0);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct trace trace, untouched;

    memset(&trace, 0xa5, sizeof(trace));
    memset(&untouched, 0xa5, sizeof(untouched));
    if (trace_parse((const char *)data, size, &trace))
        must_be_canonical((const char *)data, size, &trace);
    else
        MUST(memcmp(&trace, &untouched, sizeof(trace)) == 0);
    return 0;
}
