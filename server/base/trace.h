#ifndef ACCOUNTSD_TRACE_H
#define ACCOUNTSD_TRACE_H

/* W3C Trace Context, level 1: the traceparent of a request. */

#include <stdbool.h>
#include <stddef.h>

#define TRACE_PARENT_LEN 55
#define TRACE_ID_LEN 32
/* The offset of the trace id in it. */
#define TRACE_ID_AT 3

struct trace {
    char parent[TRACE_PARENT_LEN + 1];
};

/* Parses the traceparent of a request. False if it is malformed; *trace is then unchanged, and the standard
 * says to make a new one. */
bool trace_parse(const char *value, size_t len, struct trace *trace);

/* Makes a traceparent with a random trace id and parent id. */
void trace_make(struct trace *trace);

/* The 32 hex digits of the trace id; not terminated. */
const char *trace_id(const struct trace *trace);

#endif
