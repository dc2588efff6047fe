#ifndef ACCOUNTSD_TESTS_BALANCER_H
#define ACCOUNTSD_TESTS_BALANCER_H

/* A TCP load balancer, as used before several servers: it passes each new connection to the next server
 * whose last /ready was 200, or to another if that one refuses it, and copies bytes in both directions. */

#include "harness/harness.h"

#define BALANCER_MAX_SERVERS 8

struct balancer;

struct balancer *balancer_start(void);
/* The port to connect to, on 127.0.0.1. */
int balancer_port(const struct balancer *balancer);
/* From the next check of /ready on. The server may be freed meanwhile. */
void balancer_add(struct balancer *balancer, const struct server *server);
void balancer_remove(struct balancer *balancer, const struct server *server);
/* Waits for all open connections to end, and frees; returns how many connections no server accepted. */
size_t balancer_stop(struct balancer *balancer);

#endif
