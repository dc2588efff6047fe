#ifndef ACCOUNTSD_TELEMETRY_PORT_H
#define ACCOUNTSD_TELEMETRY_PORT_H

/* What is told about the process on a port of its own, by a thread of its own, so that it is told however
 * busy or stuck the others are: /live and /ready (health.h) and /metrics (Prometheus text format 0.0.4). */

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "telemetry/health.h"

/* What is told of. Both are called on the thread; they read what others count, and ask nobody. */
struct telemetry_subject {
    const void *data;
    /* As health_report. */
    char *(*report_health)(const void *data, enum health_question question, bool *passes);
    void (*write_metrics)(const void *data, FILE *out);
};

struct telemetry;

/* Scrapers and probes are few; who comes when so many are there waits until one has gone. */
#define TELEMETRY_MAX_CONNECTIONS 64

/* Opens the port, on which nobody is answered yet; *port is set to it. -1, and *port to 0, where it is
 * switched off. Ends the process where the port is not to be had. */
int telemetry_open(const struct config *config, int *port);

/* Starts to answer on listen_fd, which it takes over; NULL where that is -1. config and subject must outlive
 * it. Ends the process where there is no thread to be had. At most one a process. */
struct telemetry *telemetry_start(
    const struct config *config, const struct telemetry_subject *subject, int listen_fd);

/* Closes the port and waits for the thread to end; NULL is fine. */
void telemetry_stop(struct telemetry *telemetry);

#endif
