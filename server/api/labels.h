#ifndef ACCOUNTSD_LABELS_H
#define ACCOUNTSD_LABELS_H

#include "telemetry/metrics.h"

/* The labels of a worker's metrics: the paths of all routes by route_index, the statuses of problem.h and the
 * names of statements. To be called first while there is one thread. */
const struct metrics_labels *labels_of_api(void);

#endif
