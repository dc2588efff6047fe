#ifndef ACCOUNTSD_HANDLER_H
#define ACCOUNTSD_HANDLER_H

/* The life of one request between libh2o and the database: every request of a worker comes through here, and
 * every response leaves through here with a line in the log. */

#include <h2o.h>
#include <stdbool.h>

#include "api/refused_tokens.h"
#include "base/config.h"
#include "database/database.h"
#include "telemetry/metrics.h"
#include "words/template.h"

struct request;

/* What the requests of one worker share. */
struct handler_context {
    const struct config *config;
    struct database *database;
    struct metrics *metrics;
    struct refused_tokens *refused_tokens;
    const struct templates *templates;
    /* Requests that have come in whole and whose response has not left whole. */
    size_t in_flight;
    /* Those of them that others go before. */
    struct request *first_waiting, **last_waiting;
};

/* Makes a host of globalconf hand everything to this module. Before workers start. */
void handler_register(h2o_hostconf_t *host);

/* Ties a worker's context to its handler context, which must outlive the requests. To be called after each
 * turn of the loop is handler_run; while handler_is_waiting, the loop must not. */
void handler_attach(h2o_context_t *context, h2o_hostconf_t *host, struct handler_context *handler_context);
void handler_run(struct handler_context *context);
bool handler_is_waiting(const struct handler_context *context);

#endif
