#ifndef ACCOUNTSD_TELEMETRY_H
#define ACCOUNTSD_TELEMETRY_H

/* What is told about the process on a port of its own, by a thread of its own, so that it is told however
 * busy or stuck the workers are: /live and /ready (health.h) and /metrics (Prometheus text format 0.0.4).
 * Only reads what the workers count; asks neither them nor the database. */

#include "config.h"
#include "metrics.h"

struct telemetry;

/* Starts to answer on listen_fd, which it takes over. config and the workers' metrics must outlive it. NULL
 * when the thread cannot be made. At most one a process. */
struct telemetry *telemetry_start(
    const struct config *config, const struct metrics *const *workers, size_t count, int listen_fd);

/* Closes the port and waits for the thread to end. */
void telemetry_stop(struct telemetry *telemetry);

#endif
