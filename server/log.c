#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "trace.h"

#define TIME_MAX 32
#define REQUEST_LINE_MAX 512

/* RFC 3339, UTC, milliseconds. */
static void write_now(char text[TIME_MAX])
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_MAX - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* A log that cannot be written has nowhere left to be reported. */
static void write_line(const char *line, size_t len)
{
    ssize_t written = write(STDERR_FILENO, line, len);

    (void)written;
}

void log_event(const char *event, json_t *fields)
{
    char now[TIME_MAX];
    json_auto_t *object = NULL;
    char *line;

    write_now(now);
    memory_begin();
    object = json_pack("{s:s, s:s}", "time", now, "event", event);
    json_object_update_missing(object, fields);
    json_decref(fields);
    line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (line == NULL || memory_ran_out()) {
        free(line);
        return;
    }

    /* The terminating NUL's place is the newline's. */
    size_t len = strlen(line);
    line[len] = '\n';
    write_line(line, len + 1);
    free(line);
}

void log_request(const struct log_request *request)
{
    char line[REQUEST_LINE_MAX], now[TIME_MAX];
    int len;

    write_now(now);
    len = snprintf(line, sizeof(line),
        "{\"time\":\"%s\",\"event\":\"request\",\"trace_id\":\"%.*s\",\"traceparent\":\"%s\",\"method\":\"%"
        "s\","
        "\"route\":\"%s\",\"status\":%d,\"duration_ms\":%ld.%03ld,\"bytes\":%zu,\"token\":\"%s\"}\n",
        now, TRACE_ID_LEN, request->traceparent + TRACE_ID_AT, request->traceparent, request->method,
        request->route, request->status, request->duration_us / 1000, request->duration_us % 1000,
        request->bytes, request->token_id);
    if (len > 0 && (size_t)len < sizeof(line))
        write_line(line, (size_t)len);
}
