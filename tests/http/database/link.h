#ifndef ACCOUNTSD_TESTS_LINK_H
#define ACCOUNTSD_TESTS_LINK_H

/* A bad line between a server and its database: what passes through it is cut now and then, when a call is on
 * its way. It runs on a thread of its own. */

#include <stddef.h>

enum link_cut {
    /* The call does not reach the database. */
    LINK_CUT_BEFORE_SEND,
    /* A part of it does. */
    LINK_CUT_IN_SEND,
    /* All of it does, and the line is gone before it can have been done. */
    LINK_CUT_AFTER_SEND,
    /* It is done, and nothing of the answer comes back. */
    LINK_CUT_BEFORE_ANSWER,
    /* A part of the answer does. */
    LINK_CUT_IN_ANSWER,
    /* It is done, and in place of the answer comes what PgBouncer says when it has lost the database: an
     * error of its own, of class 08. */
    LINK_CUT_WITH_ERROR,
    LINK_CUTS,
};

struct link;

/* To the database of a connection string. One in so many calls is cut, by each way in turn, at places that
 * the seed decides about. */
struct link *link_start(const char *database_url, unsigned one_in, unsigned long seed);
/* From now on each call is cut by that way; LINK_CUTS: as link_start was told again. */
void link_cut_only(struct link *link, enum link_cut way);
/* What a server is to connect to; of the link. */
const char *link_url(const struct link *link);
/* Ends all connections. cuts: how often each way had its turn. */
void link_stop(struct link *link, size_t cuts[LINK_CUTS]);

#endif
