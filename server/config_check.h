#ifndef ACCOUNTSD_CONFIG_CHECK_H
#define ACCOUNTSD_CONFIG_CHECK_H

/* Checks of a configuration beyond the bounds of single options. Every mistake is written to err as one line,
 * with names of options and without values. */

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"

/* Checks combinations of options. Accesses no files. */
bool config_check_options(const struct config *config, FILE *err);

/* Checks what options refer to: addresses, the connection string, files. Does not connect. */
bool config_check_references(const struct config *config, FILE *err);

#endif
