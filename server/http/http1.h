#ifndef ACCOUNTSD_HTTP1_H
#define ACCOUNTSD_HTTP1_H

/* libh2o as all ports have it: HTTP/1.1 alone, and none of its timers, which follow a clock that may be set.
 */

#include <h2o.h>

/* Initialises globalconf with one host, which is returned. */
h2o_hostconf_t *http1_configure(h2o_globalconf_t *globalconf, size_t max_body_size);

#endif
