#ifndef ACCOUNTSD_LABELS_H
#define ACCOUNTSD_LABELS_H

#include "telemetry/metrics.h"

/* The labels of metrics: the paths of all routes by route_index, the statuses of problem.h and the names of
 * statements. The first call must be made while there is only one thread. */
const struct metrics_labels *labels_of_api(void);

#endif
