#ifndef ACCOUNTSD_TELEMETRY_PORT_H
#define ACCOUNTSD_TELEMETRY_PORT_H

/* Serves /live and /ready (health.h) and /metrics (Prometheus text format 0.0.4) on a port and a thread of
 * their own, so that they are answered even if all other threads are busy or stuck. */

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "telemetry/health.h"

/* The source of health and metrics. The functions are called on the telemetry thread and must not block. */
struct telemetry_source {
    const void *data;
    /* Like health_report. */
    char *(*report_health)(const void *data, enum health_question question, bool *passes);
    void (*write_metrics)(const void *data, FILE *out);
};

struct telemetry;

/* Further clients wait until a connection closes. */
#define TELEMETRY_MAX_CONNECTIONS 64

/* Opens the port without accepting on it and sets *port. Returns -1 and sets *port to 0 if the port is
 * switched off. Dies if the port cannot be opened (die.h). */
int telemetry_open(const struct config *config, int *port);

/* Starts to serve on listen_fd, of which it takes ownership; NULL if that is -1. config and source must
 * outlive it. Dies if the thread cannot be created. At most one per process. */
struct telemetry *telemetry_start(
    const struct config *config, const struct telemetry_source *source, int listen_fd);

/* Closes the port and waits for the thread to end; telemetry may be NULL. */
void telemetry_stop(struct telemetry *telemetry);

#endif
