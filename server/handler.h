#ifndef ACCOUNTSD_HANDLER_H
#define ACCOUNTSD_HANDLER_H

/* The life of one request between libh2o and the database: every request of a worker comes through here, and
 * every response leaves through here with a line in the log. */

#include <h2o.h>

#include "config.h"
#include "database.h"
#include "metrics.h"
#include "template.h"

/* What the requests of one worker share. */
struct handler_context {
    const struct config *config;
    struct database *database;
    struct metrics *metrics;
    const struct templates *templates;
    /* Requests that have come in whole and whose response has not left whole. */
    size_t in_flight;
    /* Gets those of them that wait for the loop's next turn. */
    h2o_multithread_receiver_t next_turn;
};

/* Makes a host of globalconf hand everything to this module. Before workers start. */
void handler_register(h2o_hostconf_t *host);

/* Ties a worker's context to its handler context, which must outlive the requests. */
void handler_attach(h2o_context_t *context, h2o_hostconf_t *host, struct handler_context *handler_context);

#endif
