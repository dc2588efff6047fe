#ifndef ACCOUNTSD_TESTS_FLOOD_H
#define ACCOUNTSD_TESTS_FLOOD_H

/* Many requests over many connections that are kept alive, each with one request on the way at a time. */

#include "harness.h"

#define FLOOD_CONNECTIONS 64

enum flood_manner {
    FLOOD_AWAIT,
    /* Hangs up after half of the request. */
    FLOOD_SEND_HALF,
    /* Hangs up once all has been sent. */
    FLOOD_LEAVE,
};

struct flood {
    /* The connections are dealt out among them. */
    struct server *const *servers;
    size_t server_count;
    size_t count;
    void *data;
    /* The bytes of a request that a connection is free for, from 0 on; the flood frees them. */
    char *(*next)(void *data, size_t index, enum flood_manner *manner);
    /* Status 0: none came, or nobody waited for it. */
    void (*on_answer)(void *data, size_t index, const struct answer *answer);
    /* Leaves the body of an answer NULL: to parse it may take the longest of all. */
    bool spares_bodies;
};

/* Sends all and takes all answers; fails where the servers fall silent. */
void flood_run(const struct flood *flood);

#endif
