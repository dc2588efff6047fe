#ifndef ACCOUNTSD_TESTS_BALANCER_H
#define ACCOUNTSD_TESTS_BALANCER_H

/* A plain TCP balancer, as one stands before several servers: it hands each new connection to the next server
 * whose /ready said 200 when last asked, or to another where that one refuses it, and carries bytes both ways
 * without looking at them. */

#include "harness/harness.h"

#define BALANCER_MAX_SERVERS 8

struct balancer;

struct balancer *balancer_start(void);
/* The port to connect to, on 127.0.0.1. */
int balancer_port(const struct balancer *balancer);
/* From the next look at /ready on. The server may be freed meanwhile. */
void balancer_add(struct balancer *balancer, const struct server *server);
void balancer_remove(struct balancer *balancer, const struct server *server);
/* How many connections no server took. Waits for all that are open to end, and frees. */
size_t balancer_stop(struct balancer *balancer);

#endif
