#ifndef ACCOUNTSD_HTTP1_H
#define ACCOUNTSD_HTTP1_H

/* The configuration of libh2o for all ports: only HTTP/1.1, and without libh2o's timers, which follow the
 * wall clock. */

#include <h2o.h>

/* Initializes globalconf and returns its one host. */
h2o_hostconf_t *http1_configure(h2o_globalconf_t *globalconf, size_t max_body_size);

#endif
