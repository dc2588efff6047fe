#ifndef ACCOUNTSD_LOG_H
#define ACCOUNTSD_LOG_H

/* One JSON object a line on stderr. Any thread may write; a line is one write, so lines do not mix. What is
 * logged names requests by trace id, and never a secret, a code or an e-mail address. */

#include <jansson.h>

/* Writes {"time": now, "event": event} with the members of fields, which it takes over. */
void log_event(const char *event, json_t *fields);

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

#endif
