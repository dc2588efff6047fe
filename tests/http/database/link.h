#ifndef ACCOUNTSD_TESTS_LINK_H
#define ACCOUNTSD_TESTS_LINK_H

/* An unreliable connection between a server and its database: a proxy, on a thread of its own, that cuts
 * connections while a call is in flight. */

#include <stddef.h>

enum link_cut {
    /* The database does not receive the call. */
    LINK_CUT_BEFORE_SEND,
    /* The database receives a part of the call. */
    LINK_CUT_IN_SEND,
    /* The database receives the whole call, and the connection is cut before the call can be done. */
    LINK_CUT_AFTER_SEND,
    /* The call is done, and nothing of the answer is passed on. */
    LINK_CUT_BEFORE_ANSWER,
    /* A part of the answer is passed on. */
    LINK_CUT_IN_ANSWER,
    /* The call is done, and instead of the answer comes the error that PgBouncer sends when it has lost
     * the database: its own, of class 08. */
    LINK_CUT_WITH_ERROR,
    LINK_CUTS,
};

struct link;

/* Connects to the database of a connection string. Cuts one in one_in calls, in each way in turn, at
 * positions that depend on the seed. */
struct link *link_start(const char *database_url, unsigned one_in, unsigned long seed);
/* Cuts each call in this way; LINK_CUTS: as given to link_start. */
void link_cut_only(struct link *link, enum link_cut way);
/* The connection string for the server; owned by the link. */
const char *link_url(const struct link *link);
/* Closes all connections. cuts: how often each way was used. */
void link_stop(struct link *link, size_t cuts[LINK_CUTS]);

#endif
