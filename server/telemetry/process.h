#ifndef ACCOUNTSD_PROCESS_H
#define ACCOUNTSD_PROCESS_H

#include <stdbool.h>
#include <stdio.h>

/* Writes what Linux says of this process under the names that Prometheus's client libraries have agreed on:
 * process_cpu_seconds_total and its like. What the system does not show is left out. False when memory ran
 * out. */
bool process_write_metrics(FILE *out);

#endif
