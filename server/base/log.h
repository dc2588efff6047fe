#ifndef ACCOUNTSD_LOG_H
#define ACCOUNTSD_LOG_H

/* The log: one JSON object per line on stderr. Any thread may log, and none waits for stderr: a line goes
 * into a buffer, which a thread of this module writes out. If the buffer is full, lines are dropped and
 * counted, and a line log_lines_dropped takes their place. A write consists of whole lines of at most
 * PIPE_BUF bytes together, so that lines of several processes do not mix. The log identifies requests by
 * trace id; it never contains a secret, a code or an e-mail address. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Creates the buffer and the thread; call it before other threads exist.
 * Without log_start the calling thread writes each line itself. */
void log_start(size_t buffer_size);

/* Waits, at most a second, until all lines are written. Lines logged later are lost. For the end of the
 * process; does nothing without log_start. */
void log_close(void);

/* Lines dropped so far because the buffer was full or memory ran out. */
uint64_t log_lines_dropped(void);

/* Logs {"time": now, "event": event} with the members of fields, of which it takes ownership. */
void log_event(const char *event, json_t *fields);

/* Logs a line of text as it is, with its newline. */
void log_line(const char *line, size_t len);

struct log_request {
    const char *traceparent;
    const char *method;
    const char *route;
    const char *token_id;
    int status;
    long duration_us;
    size_t bytes;
};

/* Logs one request. The strings must not need escaping. */
void log_request(const struct log_request *request);

/* Limits how often the failure of a repeated attempt is logged. Zero at first. */
struct log_repeat {
    char reason[512];
    /* Seconds of the monotonic clock. */
    int64_t until;
};

/* Whether to log a failure: its reason differs from the last one logged, or a minute has passed. */
bool log_is_news(struct log_repeat *repeat, const char *reason);

#endif
