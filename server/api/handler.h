#ifndef ACCOUNTSD_HANDLER_H
#define ACCOUNTSD_HANDLER_H

/* Requests between libh2o and the database: every request of a worker starts here, and every response is
 * logged here. */

#include <h2o.h>
#include <stdbool.h>

#include "api/refused_tokens.h"
#include "base/config.h"
#include "database/database.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct request;

/* What the requests of one worker have in common. */
struct handler_context {
    const struct config *config;
    struct database *database;
    struct metrics *metrics;
    struct refused_tokens *refused_tokens;
    const struct templates *templates;
    /* Requests that have arrived completely and whose response has not been sent completely. */
    size_t in_flight;
    /* Those of them that wait for handler_run. */
    struct request *first_waiting, **last_waiting;
};

/* Registers the handler for all requests of a host. Call it before workers start. */
void handler_register(h2o_hostconf_t *host);

/* Sets the handler context of a worker's libh2o context; it must outlive the requests. handler_run must be
 * called after each iteration of the loop; while handler_is_waiting, the loop must not block. */
void handler_attach(h2o_context_t *context, h2o_hostconf_t *host, struct handler_context *handler_context);
void handler_run(struct handler_context *context);
bool handler_is_waiting(const struct handler_context *context);

#endif
