#ifndef ACCOUNTSD_TESTS_METRIC_H
#define ACCOUNTSD_TESTS_METRIC_H

/* What /metrics says of a server or a delivery worker. */

#include "harness.h"

/* The value of a series, named with its labels; -1 where a text of /metrics has none. */
double metric_in(const char *metrics, const char *series);
double metric(const struct server *server, const char *series);
/* Waits until it is so much; fails after a while. */
void await_metric(const struct server *server, const char *series, double value);
void await_metric_between(const struct server *server, const char *series, double least, double most);

#endif
