#ifndef ACCOUNTSD_TESTS_METRIC_H
#define ACCOUNTSD_TESTS_METRIC_H

/* The metrics of a server or a delivery worker. */

#include "harness.h"

/* The value of a series, named with its labels, in a text of /metrics; -1 if it is missing. */
double metric_in(const char *metrics, const char *series);
double metric(const struct server *server, const char *series);
/* Waits until a series has a value; fails after a while. */
void await_metric(const struct server *server, const char *series, double value);
void await_metric_between(const struct server *server, const char *series, double least, double most);

/* Waits until /ready has this status and a text that contains text; fails after a while. */
void await_ready(const struct server *server, long status, const char *text);

#endif
