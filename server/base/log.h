#ifndef ACCOUNTSD_LOG_H
#define ACCOUNTSD_LOG_H

/* One JSON object a line on stderr. Any thread may log, and none waits for stderr: a line goes into a buffer,
 * and a thread of this module's own writes what is in it. Lines for which the buffer has no room are dropped
 * and counted, and a line log_lines_dropped stands where they are missing. A write has whole lines, of
 * PIPE_BUF bytes at most, so that lines of several processes do not mix. What is logged names requests by
 * trace id, and never a secret, a code or an e-mail address. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the buffer, of so many bytes, and the thread; before there are others. False when either is not to be
 * had. Until then, and in a program that does not call it, each line is written at once by who logs it. */
bool log_start(size_t buffer_size);

/* Waits until all lines are written, for a second at most. What is logged from now on is lost. For the end of
 * the process; does nothing where log_start was not called. */
void log_close(void);

/* Lines dropped so far: the buffer was full, or memory ran out. */
uint64_t log_lines_dropped(void);

/* Writes {"time": now, "event": event} with the members of fields, which it takes over. */
void log_event(const char *event, json_t *fields);

/* Writes a line of text, which ends with its newline, as it is. */
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

/* Writes the line of one request; the texts need no escaping. */
void log_request(const struct log_request *request);

/* What was logged last of something that is tried again and again. Zero at first. */
struct log_repeat {
    char reason[512];
    /* In seconds of the monotonic clock. */
    int64_t until;
};

/* Whether a failure is worth a line: its reason is another than last time, or a minute has passed. */
bool log_is_news(struct log_repeat *repeat, const char *reason);

#endif
