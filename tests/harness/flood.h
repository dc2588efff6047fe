#ifndef ACCOUNTSD_TESTS_FLOOD_H
#define ACCOUNTSD_TESTS_FLOOD_H

/* Many requests over many persistent connections, each with one request in flight at a time. */

#include "harness.h"

#define FLOOD_CONNECTIONS 64

enum flood_manner {
    FLOOD_AWAIT,
    /* Closes the connection after half of the request. */
    FLOOD_SEND_HALF,
    /* Closes the connection after the whole request. */
    FLOOD_LEAVE,
};

struct flood {
    /* Connections are distributed over them. */
    struct server *const *servers;
    size_t server_count;
    size_t count;
    void *data;
    /* The bytes of the next request for a free connection, by index from 0; the flood frees them. */
    char *(*next)(void *data, size_t index, enum flood_manner *manner);
    /* Status 0: no answer came, or the client did not wait for one. */
    void (*on_answer)(void *data, size_t index, const struct answer *answer);
    /* Leaves the body of an answer NULL, because parsing it may take most of the time. */
    bool skips_bodies;
};

/* Sends all requests and receives all answers; fails if the servers fall silent. */
void flood_run(const struct flood *flood);

#endif
