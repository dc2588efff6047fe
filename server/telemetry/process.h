#ifndef ACCOUNTSD_PROCESS_H
#define ACCOUNTSD_PROCESS_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the standard process metrics of Prometheus (process_cpu_seconds_total and others). Metrics that the
 * system does not provide are left out. False if memory ran out. */
bool process_write_metrics(FILE *out);

#endif
